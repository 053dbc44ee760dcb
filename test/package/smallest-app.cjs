// The smallest app in CommonJS. .ci/use-package runs it in an empty folder, with the tarball.
const assert = require('node:assert/strict')
const Fastify = require('fastify')
const { default: leAuth, requireAuth } = require('fastify-le-auth')
const { startSentinelEmulator } = require('fastify-le-auth/emulator')

const app = Fastify()
app.register(leAuth, {
  accountId: '12345678',
  clientId: 'id',
  clientSecret: 'secret',
  redirectUri: 'http://localhost:3000/callback',
  secret: '0123456789abcdef0123456789abcdef'
})
app.get('/me', { preHandler: requireAuth }, async request => request.leAuth.user)
app.inject('/me').then(async ({ statusCode }) => {
  await app.close()
  assert.equal(statusCode, 401)
  assert.equal(typeof startSentinelEmulator, 'function')
  console.log('The smallest app works in CommonJS.')
})
