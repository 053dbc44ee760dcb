/**
 * Logs in, calls a service, refreshes, logs out and closes the app, and writes what came of each.
 * Bun runs this.
 */
import Fastify from 'fastify'
import { EMULATOR_DEFAULTS, startSentinelEmulator } from '../../lib/emulator/index.ts'
import leAuth, { authOf, requireAuth } from '../../lib/index.ts'

const { accountId, clientId, clientSecret, loginNames } = EMULATOR_DEFAULTS
const USERS = '/api/account/{accountId}/configuration/le-users/users'
const origin = 'http://localhost:3000'

const sentinel = await startSentinelEmulator({ port: 0 })
const app = Fastify()
await app.register(leAuth, {
  accountId,
  clientId,
  clientSecret,
  redirectUri: `${origin}/callback`,
  secret: 'a secret for tests, of more than 32 characters',
  domainApi: sentinel.url
})
app.get('/users', { onRequest: requireAuth }, async request => {
  const response = await authOf(request).fetch('accountConfigReadOnly', USERS)
  await authOf(request).refresh()
  return response.json()
})

const cookies: Record<string, string> = {}

async function go(method: 'GET' | 'POST', url: string) {
  const response = await app.inject({ method, url, cookies, headers: { origin } })
  for (const { name, value } of response.cookies) cookies[name] = value
  return response
}

const started = await go('GET', '/login')
const callback = new URL(await sentinel.signIn(String(started.headers.location), loginNames.agent))
const finished = await go('GET', callback.pathname + callback.search)
const users = await go('GET', '/users')
const out = await go('POST', '/logout')
await app.close()
await sentinel.close()
const statuses = [started, finished, users, out].map(({ statusCode }) => statusCode)
console.log(JSON.stringify({ statuses, closed: true }))
