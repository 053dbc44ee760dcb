import Fastify from 'fastify'
import leAuth, { requireAuth, type LeAuthOptions } from 'fastify-le-auth'
import { startSentinelEmulator } from 'fastify-le-auth/emulator'
import { redisLock } from 'fastify-le-auth/redis-lock'

const options: LeAuthOptions = { lock: redisLock({ call: async () => 'OK' }) }
const app = Fastify()
void app.register(leAuth, options)
app.get('/me', { preHandler: requireAuth }, async request => request.leAuth?.user)
void startSentinelEmulator({ port: 0 })
