import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { secret } from './settings.mjs'
import { countableMemoryStore, sharedStore } from './store.mjs'

/** The cheapest @fastify/session: it stores nothing for visitors, and nothing that is unchanged. */
export async function withSession(app) {
  await app.register(cookie)
  await app.register(session, {
    secret,
    cookie: { secure: false, maxAge: 3_600_000 },
    rolling: false,
    saveUninitialized: false,
    store: (await sharedStore()) ?? countableMemoryStore(session)
  })
}

/** The guarded route, for contestants that keep the user in the session. */
export function guardedBySession(app) {
  const preHandler = async (request, reply) => {
    if (!request.session.user) return reply.code(401).send({ error: 'login required' })
  }
  app.get('/private', { preHandler }, async request => ({ user: request.session.user }))
}
