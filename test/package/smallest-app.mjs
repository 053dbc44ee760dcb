// The smallest app, as a user writes it. .ci/ runs it in empty folders, with the packed tarball.
// Usage: node smallest-app.mjs with-redis-semaphore|without-redis-semaphore
import assert from 'node:assert/strict'
import Fastify from 'fastify'
import leAuth, { LE_AUTH_ERROR_STATUS } from 'fastify-le-auth'
import { startSentinelEmulator } from 'fastify-le-auth/emulator'

const sentinel = await startSentinelEmulator()
const app = Fastify()
await app.register(leAuth, {
  accountId: '12345678',
  clientId: 'id',
  clientSecret: 'secret',
  redirectUri: 'http://localhost:3000/callback',
  secret: '0123456789abcdef0123456789abcdef',
  domainApi: sentinel.url
})
app.get('/me', { preHandler: app.requireAuth }, async request => request.leAuth.user)

const me = await app.inject('/me')
assert.equal(me.statusCode, LE_AUTH_ERROR_STATUS.LE_AUTH_LOGIN_REQUIRED)
const login = await app.inject('/login')
assert.equal(login.statusCode, 302)
assert.ok(login.headers.location.startsWith(sentinel.url))
await app.close()
await sentinel.close()

const lock = await import('fastify-le-auth/redis-lock').catch(error => error)
if (process.argv[2] === 'with-redis-semaphore') {
  assert.equal(typeof lock.redisLock, 'function')
} else {
  assert.match(lock.message, /redis-semaphore/)
}
console.log(`The smallest app works ${process.argv[2].replaceAll('-', ' ')}.`)
