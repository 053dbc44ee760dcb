import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
import {
  Type,
  type FastifyPluginAsyncTypebox,
  type TypeBoxTypeProvider
} from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import leAuth, { authOf, requireAdmin, requireAuth } from 'fastify-le-auth'
import type { FastifyPluginAsyncZod, ZodTypeProvider } from 'fastify-type-provider-zod'
import pino from 'pino'
import { z } from 'zod'

const typebox = Fastify().withTypeProvider<TypeBoxTypeProvider>()
await typebox.register(leAuth, {})
typebox.addHook('onRequest', typebox.requireAuth)
typebox.post(
  '/users',
  {
    schema: { body: Type.Object({ name: Type.String() }), response: { 200: Type.String() } },
    onRequest: typebox.requireAuth,
    preHandler: [requireAuth, typebox.requireAdmin]
  },
  async request => `${authOf(request).user.id} ${request.body.name.trim()}`
)

export const typeboxPlugin: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/users',
    { schema: { querystring: Type.Object({ page: Type.Number() }) }, preHandler: app.requireAuth },
    async request => request.query.page.toFixed(authOf(request).user.id.length)
  )
}

const zod = Fastify({ http2: true, loggerInstance: pino() }).withTypeProvider<ZodTypeProvider>()
await zod.register(leAuth, {})
zod.addHook('preHandler', requireAdmin)
zod.route({
  method: 'POST',
  url: '/users',
  schema: { body: z.object({ name: z.string() }), response: { 200: z.string() } },
  onRequest: zod.requireAuth,
  preHandler: [requireAuth, zod.requireAdmin],
  handler: async request => `${authOf(request).user.id} ${request.body.name.trim()}`
})

export const zodPlugin: FastifyPluginAsyncZod = async app => {
  app.get(
    '/users/:id',
    { schema: { params: z.object({ id: z.coerce.number() }) }, preHandler: app.requireAuth },
    async (request, reply) => reply.send(request.params.id + authOf(request).user.id.length)
  )
}

const schema = Fastify().withTypeProvider<JsonSchemaToTsProvider>()
await schema.register(leAuth, {})
schema.get(
  '/users',
  {
    schema: {
      querystring: {
        type: 'object',
        properties: { page: { type: 'number' } },
        required: ['page']
      }
    },
    onRequest: requireAdmin,
    preHandler: schema.requireAuth
  },
  async request => request.query.page.toFixed(authOf(request).user.id.length)
)
