// Fastify and nothing else: the upper limit for one core. Nobody logs in, and /private is open.
import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { serve } from './support/serve.mjs'
import { authorizePath, callback, clientId, idp } from './support/settings.mjs'

const authorize =
  idp +
  authorizePath +
  '?' +
  new URLSearchParams({
    v: '1.0',
    response_type: 'code',
    client_id: clientId,
    redirect_uri: callback
  })

const app = Fastify()
app.get('/login', async (_request, reply) =>
  reply.redirect(`${authorize}&state=${randomBytes(16).toString('base64url')}`)
)
app.get('/private', async () => ({ user: 'anyone' }))
await serve(app)
