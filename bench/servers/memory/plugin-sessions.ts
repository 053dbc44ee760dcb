import type { FastifyInstance } from 'fastify'
import leAuth, { type LeAuthOptions } from '../../../lib/index.js'
import { resolveOptions } from '../../../lib/resolve-options.js'
import { createLoginSessions } from '../../../lib/session/login-session.js'
import type { MemoryStore } from '../../../lib/session/memory-store.js'
import { removeRecord } from '../../../lib/tokens/record-store.js'
import { createSealer } from '../../../lib/tokens/seal.js'
import { createTokenSetStore } from '../../../lib/tokens/token-set-store.js'
import { SECRET } from '../../support/app-secret.js'
import { loginData } from '../../support/login-data.js'
import type { SessionKeeper } from '../memory.js'

/** The plugin with its own store. GET /log-in begins the session as /callback does, without asking Sentinel. */
export async function pluginSessions (app: FastifyInstance, maxSessions: number): Promise<SessionKeeper> {
  const rawOptions: LeAuthOptions = {
    accountId: '12345678',
    clientId: '6f9a3c1e-5d42-4b7a-9e08-2c71d4a85b36',
    clientSecret: 'not-a-secret-9c5e1f7a2b',
    redirectUri: 'http://127.0.0.1:3000/callback',
    secret: SECRET,
    // Saves the one look-up before the first /login.
    sentinelDomain: 'sentinel.liveperson.net',
    session: { maxSessions }
  }
  await app.register(leAuth, rawOptions)
  const options = resolveOptions(rawOptions, {}, '')
  const { secrets, refreshMargin, session, now, accountId } = options
  const tokenSets = createTokenSetStore({ sealer: createSealer(secrets, 'token set'), refreshMargin, absoluteLifetime: session.absoluteLifetime, sharedStore: false, now })
  const sessions = createLoginSessions(app, options, { secureCookie: false, leaveSession: () => {}, dropSession: () => {}, removeSession: removeRecord }, tokenSets)

  let store: MemoryStore | undefined
  app.get('/log-in', async request => {
    store = request.sessionStore as unknown as MemoryStore
    const { user, tokens } = loginData()
    await sessions.begin(request, accountId, user, tokens, async () => {})
    return 'logged in'
  })
  app.get('/token', { onRequest: app.requireAuth }, request => request.leAuth!.getAccessToken())
  return { records: () => store?.size ?? 0 }
}
