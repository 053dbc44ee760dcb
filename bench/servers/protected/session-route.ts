import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import { SECRET } from '../../support/app-secret.js'
import { loginData } from '../../support/login-data.js'
import type { Answers } from '../protected.js'

/** @fastify/session as lean as it gets: its own store, one key of its session read, nothing written. */
export async function sessionRoute (app: FastifyInstance): Promise<Answers> {
  await app.register(cookie)
  await app.register(session, { secret: SECRET, cookie: { secure: false, maxAge: 60 * 60 * 1000 }, saveUninitialized: false, rolling: false })
  app.get('/log-in', async request => {
    await request.session.regenerate()
    Object.assign(request.session, { userId: loginData().user.id })
    return 'logged in'
  })
  app.get('/me', async (request, reply) => {
    const { userId } = request.session as { userId?: string }
    return userId === undefined ? reply.code(401).send() : { id: userId }
  })
  return {}
}
