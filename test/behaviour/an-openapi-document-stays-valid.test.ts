import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, serializerCompiler } from 'fastify-type-provider-zod'
import t from 'tap'
import { z } from 'zod'
import { startApp } from '../support/app.ts'

const info = { title: 'an app', version: '1.0.0' }

/** Ways to set up @fastify/swagger, and what makes the schema of a route. */
const SETUPS: Record<string, [FastifyDynamicSwaggerOptions, () => object]> = {
  'OpenAPI 3.0': [{ openapi: { openapi: '3.0.3', info } }, jsonSchema],
  'OpenAPI 3.1': [{ openapi: { openapi: '3.1.0', info } }, jsonSchema],
  'OpenAPI 3.1 from zod': [
    { openapi: { openapi: '3.1.0', info }, transform: jsonSchemaTransform },
    () => ({ response: { 200: z.object({ name: z.string() }) } })
  ]
}

function jsonSchema(): object {
  return { response: { 200: { type: 'object', properties: { name: { type: 'string' } } } } }
}

for (const [what, [options, schemaOf]] of Object.entries(SETUPS)) {
  for (const isFirst of [true, false]) {
    const order = isFirst ? 'before' : 'after'
    t.test(
      `With @fastify/swagger ${order} the plugin, the document is valid: ${what}.`,
      async t => {
        const register = (app: FastifyInstance): unknown => app.register(swagger, options)
        const { app } = await startApp(t, {
          before: async app => {
            if (what.includes('zod')) app.setSerializerCompiler(serializerCompiler)
            if (isFirst) await register(app)
          },
          after: async app => {
            if (!isFirst) await register(app)
            const handler = async (): Promise<object> => ({ name: 'x' })
            app.get('/name', { schema: schemaOf(), onRequest: app.requireAuth }, handler)
          }
        })
        const document = app.swagger() as { paths: Record<string, object> }
        t.same(await new Validator().validate(document), { valid: true })
        t.ok(document.paths['/name'], 'a route of the app is in it')
        for (const path of ['/login', '/callback', '/callback/', '/logout']) {
          t.notOk(document.paths[path], `${path} is hidden`)
        }
      }
    )
  }
}
