import Fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyPluginCallback,
  type FastifyReply,
  type FastifyRequest,
  type RouteGenericInterface,
  type RouteOptions
} from 'fastify'
import leAuth, { authOf, requireAdmin, requireAuth } from 'fastify-le-auth'
import type { Http2SecureServer } from 'node:http2'

interface Search extends RouteGenericInterface {
  Querystring: { text: string }
  Params: { id: string }
  Headers: { 'x-trace': string }
  Body: { name: string }
  Reply: { 200: { found: number }; '4xx': { message: string } }
}

const app = Fastify()
await app.register(leAuth, {})
app.get<Search>('/search/:id', { preHandler: app.requireAuth }, async (request, reply) => {
  return reply.code(200).send({ found: request.query.text.length + authOf(request).user.id.length })
})
app.post<{ Reply: { 200: string } }>(
  '/text',
  { onRequest: requireAuth, preHandler: [app.requireAdmin] },
  async (request, reply) => reply.code(200).send(authOf(request).accountId)
)
app.get<Search, { role: string }>(
  '/context/:id',
  { config: { role: 'agent' }, preHandler: [requireAuth, requireAdmin] },
  async request => {
    return { found: request.routeOptions.config.role.length }
  }
)
app.route<Search>({
  method: 'GET',
  url: '/route/:id',
  preHandler: requireAuth,
  handler: async () => ({ found: 1 })
})

export const route: RouteOptions = {
  method: 'GET',
  url: '/',
  preHandler: requireAuth,
  handler: async () => 'ok'
}

export const plugin: FastifyPluginAsync<{ title: string }> = async (scope, { title }) => {
  await scope.register(leAuth, {})
  scope.get<Search>('/scope/:id', { preHandler: scope.requireAuth }, async () => {
    return { found: title.length }
  })
}
export const secure: FastifyPluginAsync<{ title: string }, Http2SecureServer> = async scope => {
  await scope.register(leAuth, {})
  scope.get('/me', { preHandler: scope.requireAuth }, async request => authOf(request).user)
}
export const callback: FastifyPluginCallback = (scope, _options, done) => {
  scope.get('/me', { preHandler: scope.requireAuth }, async request => authOf(request).user)
  done()
}

/** Functions of the app that take requests of one kind. */
export const userId = (request: FastifyRequest<Search>): string => authOf(request).user.id
export const check = async (request: FastifyRequest<Search>, reply: FastifyReply<Search>) => {
  await requireAuth(request, reply)
}
export const generic = <Route extends RouteGenericInterface>(
  request: FastifyRequest<Route>
): string => authOf(request).user.id
export const named = (scope: FastifyInstance): void => {
  scope.get<Search>('/me', { preHandler: [scope.requireAuth, check] }, async request => {
    return { found: userId(request).length }
  })
}
