import session from '@fastify/session'
import Fastify from 'fastify'
import leAuth from '../../../lib/index.ts'

// An app that registers @fastify/session too late: its process ends by an uncaught exception.
const secret = 'a secret for tests, of more than 32 characters'
const app = Fastify()
const redirectUri = 'http://localhost:3000/callback'
const account = { accountId: '12345678', clientId: 'x', clientSecret: 'x' }
await app.register(leAuth, { ...account, redirectUri, secret })
if (process.argv[2] === 'same scope') await app.register(session, { secret })
else {
  await app.register(async scope => {
    await scope.register(session, { secret })
  })
}
await app.ready()
console.log('started')
await app.close()
