import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { secret } from './settings.mjs'
import { countableMemoryStore, sharedStore } from './store.mjs'

/** @fastify/session at its leanest: nothing is stored for visitors, and nothing is stored again unless it has changed. */
export async function withSession (app) {
  await app.register(cookie)
  await app.register(session, {
    secret,
    cookie: { secure: false, maxAge: 3_600_000 },
    rolling: false,
    saveUninitialized: false,
    store: await sharedStore() ?? countableMemoryStore(session)
  })
}

/** The route that all contestants guard, for those who keep the user in the session. */
export function guardedBySession (app) {
  const preHandler = async (request, reply) => {
    if (!request.session.user) return reply.code(401).send({ error: 'login required' })
  }
  app.get('/private', { preHandler }, async request => ({ user: request.session.user }))
}
