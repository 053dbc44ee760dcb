import { randomBytes } from 'node:crypto'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance, Session } from 'fastify'
import type { User } from '../../../lib/sentinel/claims.js'
import type { TokenSet } from '../../../lib/tokens/token-set.js'
import { SECRET } from '../../support/app-secret.js'
import { loginData } from '../../support/login-data.js'
import type { SessionKeeper } from '../memory.js'

interface LoginInSession {
  user?: User
  tokens?: TokenSet
}

/** @fastify/session with its own store and its defaults; user and tokens are in the session. */
export async function objectSessions (app: FastifyInstance): Promise<SessionKeeper> {
  const records = new Map<string, Session>()
  await app.register(cookie)
  await app.register(session, {
    secret: SECRET,
    cookie: { secure: false, maxAge: 60 * 60 * 1000 },
    store: new session.MemoryStore(records)
  })
  app.get('/log-in', async request => {
    await request.session.regenerate()
    Object.assign(request.session, loginData())
    return 'logged in'
  })
  // Puts nothing into the session: what is kept is the default's doing.
  app.get('/login', async (_request, reply) => reply.redirect(`https://sentinel.example/authorize?state=${randomBytes(32).toString('base64url')}`))
  app.get('/token', async (request, reply) => {
    const { tokens } = request.session as LoginInSession
    return tokens?.accessToken ?? reply.code(401).send()
  })
  return { records: () => records.size }
}
