import session from '@fastify/session'
import Fastify from 'fastify'
import leAuth from '../../lib/index.js'

// An app of its own process that registers @fastify/session too late: Fastify lets it end by an uncaught exception.
const secret = 'a secret for tests, of more than 32 characters'
const app = Fastify()
await app.register(leAuth, { accountId: '12345678', clientId: 'x', clientSecret: 'x', redirectUri: 'http://localhost:3000/callback', secret })
if (process.argv[2] === 'same scope') await app.register(session, { secret })
else await app.register(async scope => { await scope.register(session, { secret }) })
await app.ready()
console.log('started')
await app.close()
