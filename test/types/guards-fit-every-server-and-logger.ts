import Fastify, { type FastifyInstance } from 'fastify'
import leAuth, { authOf, requireAdmin, requireAuth, type User } from 'fastify-le-auth'
import pino from 'pino'

const http = Fastify({ logger: true })
await http.register(leAuth, {})
http.addHook('onRequest', http.requireAuth)
http.addHook('preHandler', requireAdmin)
http.get('/me', { preHandler: http.requireAuth }, async (request): Promise<User> => {
  return authOf(request).user
})
http.get('/all', { onRequest: [requireAuth, http.requireAdmin] }, async request => {
  return request.leAuth?.accountId
})
http.route({ method: 'GET', url: '/route', preHandler: [requireAuth], handler: async () => 'ok' })

const https = Fastify({ https: {} })
await https.register(leAuth, {})
https.addHook('onRequest', https.requireAuth)
https.addHook('preHandler', requireAdmin)
https.get('/me', { preHandler: https.requireAuth }, async request => authOf(request).user)
https.get('/all', { onRequest: [requireAuth, https.requireAdmin] }, async () => 'ok')

const http2 = Fastify({ http2: true })
await http2.register(leAuth, {})
http2.addHook('onRequest', http2.requireAuth)
http2.addHook('preHandler', requireAdmin)
http2.get('/me', { preHandler: http2.requireAuth }, async request => authOf(request).user)
http2.get('/all', { onRequest: [requireAuth, http2.requireAdmin] }, async () => 'ok')
http2.route({ method: 'GET', url: '/route', preHandler: requireAuth, handler: async () => 'ok' })

const secure = Fastify({ http2: true, https: { allowHTTP1: true }, logger: true })
await secure.register(leAuth, {})
secure.addHook('onRequest', secure.requireAuth)
secure.addHook('preHandler', requireAdmin)
secure.get('/me', { preHandler: secure.requireAuth }, async request => authOf(request).user)
secure.get('/all', { onRequest: [requireAuth, secure.requireAdmin] }, async () => 'ok')

const logging = Fastify({ loggerInstance: pino({ customLevels: { audit: 35 } }) })
await logging.register(leAuth, {})
logging.addHook('onRequest', logging.requireAuth)
logging.addHook('preHandler', requireAdmin)
logging.get('/me', { preHandler: logging.requireAuth }, async request => {
  request.log.audit('read')
  return authOf(request).user
})
logging.get('/all', { onRequest: [requireAuth, logging.requireAdmin] }, async () => 'ok')

const simple = Fastify({ loggerInstance: pino() })
await simple.register(leAuth, {})
simple.get('/me', { preHandler: simple.requireAuth }, async request => authOf(request).user)

const both = Fastify({ http2: true, loggerInstance: pino() })
await both.register(leAuth, {})
both.get('/me', { preHandler: both.requireAuth }, async request => authOf(request).user)

/** A function of the app that takes instances of the default kind. */
export function addRoutes(app: FastifyInstance): void {
  app.get('/me', { preHandler: app.requireAuth }, async request => authOf(request).user)
}

/** Guards called by hand. */
http.addHook('preHandler', async (request, reply) => {
  if (request.url.startsWith('/private')) await requireAuth(request, reply)
})
secure.addHook('preHandler', async (request, reply) => {
  await secure.requireAdmin(request, reply)
})
logging.addHook('preHandler', (request, reply, done) => {
  requireAuth(request, reply, done)
})
