// fastify-le-auth with the app's own @fastify/session, which is set up like that of the baseline.
import Fastify from 'fastify'
import leAuth from 'fastify-le-auth'
import { leAuthOptions } from './support/le-auth-options.mjs'
import { serve } from './support/serve.mjs'
import { withSession } from './support/session.mjs'

const app = Fastify()
await withSession(app)
await app.register(leAuth, leAuthOptions)
app.get('/private', { preHandler: app.requireAuth }, async request => ({
  user: request.leAuth.user.id
}))
await serve(app)
