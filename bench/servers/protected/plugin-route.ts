import type { FastifyInstance } from 'fastify'
import { EMULATOR_DEFAULTS, startSentinelEmulator } from '../../../lib/emulator/index.js'
import leAuth from '../../../lib/index.js'
import { SECRET } from '../../support/app-secret.js'
import type { Answers } from '../protected.js'

/** Ahead of which a refresh is due, and behind which the token has not ended; in ms. */
const REFRESH_IS_DUE = 45 * 60 * 1000

/** The plugin with its own store, and a Sentinel that the parent can bring down. */
export async function pluginRoute (app: FastifyInstance): Promise<Answers> {
  let ahead = 0
  const now = (): number => Date.now() + ahead
  const sentinel = await startSentinelEmulator({ now })
  const redirectUri = EMULATOR_DEFAULTS.redirectUris[0]
  await app.register(leAuth, {
    accountId: EMULATOR_DEFAULTS.accountId,
    clientId: EMULATOR_DEFAULTS.clientId,
    clientSecret: EMULATOR_DEFAULTS.clientSecret,
    redirectUri,
    secret: SECRET,
    domainApi: sentinel.url,
    // A refresh hangs for as long as is measured.
    httpTimeout: 60_000,
    session: { idleLifetime: 8 * 60 * 60 * 1000 },
    now
  })
  // A whole login, as a browser does it; the browser is the parent.
  app.get('/log-in', async (_request, reply) => {
    const begun = await app.inject('/login')
    const callback = new URL(await sentinel.signIn(String(begun.headers.location), EMULATOR_DEFAULTS.loginNames.agent))
    const cookies = Object.fromEntries(begun.cookies.map(({ name, value }) => [name, value]))
    const finished = await app.inject({ url: callback.pathname + callback.search, cookies })
    return reply.header('set-cookie', finished.headers['set-cookie']).send('logged in')
  })
  app.get('/me', { onRequest: app.requireAuth }, async request => ({ id: request.leAuth!.user.id }))
  app.get('/with-token', { onRequest: app.requireAuth }, async request => {
    await request.leAuth!.getAccessToken()
    return { id: request.leAuth!.user.id }
  })
  return {
    hang () {
      sentinel.always('refresh', { hang: true })
      ahead = REFRESH_IS_DUE
    },
    fail () {
      sentinel.always('refresh', { status: 503 })
      ahead = REFRESH_IS_DUE
    },
    refreshes: () => ({ count: sentinel.requests.filter(({ endpoint }) => endpoint === 'refresh').length })
  }
}
