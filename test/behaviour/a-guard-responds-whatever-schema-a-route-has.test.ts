import type { FastifyInstance, FastifySerializerCompiler } from 'fastify'
import { serializerCompiler } from 'fastify-type-provider-zod'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { type Failure, failingGuards } from '../support/failing-guards.ts'

const OBJECT = { type: 'object', additionalProperties: false }
/** Has a member that no error has. */
const STRICT = { ...OBJECT, required: ['traceId'], properties: { traceId: { type: 'string' } } }
const EMPTY = { ...OBJECT, properties: {} }

const SCHEMAS: Record<string, object> = {
  'each status, with a required member': { 401: STRICT, 403: STRICT, 503: STRICT },
  'each status, without any member': { 401: EMPTY, 403: EMPTY, 503: EMPTY },
  'all errors': { '4xx': STRICT, '5xx': STRICT },
  'all responses': { default: STRICT },
  'all responses of a content type': {
    default: { content: { 'application/json': { schema: STRICT } } }
  }
}

/** Refuses what does not fit, as the one of fastify-type-provider-zod does. */
const throwing: FastifySerializerCompiler<unknown> = () => data => {
  throw Object.assign(new Error(`does not fit: ${JSON.stringify(data)}`), { statusCode: 500 })
}

const EXPECTED: Record<Failure, string> = {
  login: '401 LE_AUTH_LOGIN_REQUIRED Unauthorized /login',
  admin: '403 LE_AUTH_ADMIN_REQUIRED Forbidden undefined',
  store: '503 LE_AUTH_STORE_UNAVAILABLE Service Unavailable undefined',
  refresh: '503 LE_AUTH_REFRESH_UNAVAILABLE Service Unavailable undefined'
}

/** Ways of an app to set up its responses. */
const APPS: Record<string, (app: FastifyInstance) => unknown> = {
  'no set-up of its own': () => {},
  'a serializer compiler that throws': app => app.setSerializerCompiler(throwing),
  'an error handler that sends the error on': app =>
    app.setErrorHandler((error, _request, reply) => reply.send(error)),
  'an error handler that throws the error on, and a serializer that throws': app => {
    app.setSerializerCompiler(throwing)
    app.setErrorHandler(async error => {
      throw error
    })
  },
  'a serializer for each response': app =>
    app.addHook('onRequest', async (_request, reply) => {
      reply.serializer(() => 'changed')
    })
}

async function assertResponses(
  t: Test,
  before: (app: FastifyInstance) => unknown,
  response: object
): Promise<void> {
  const route = () => ({ schema: { response } })
  const { script, submit, open } = await failingGuards(t, { before, route })
  for (const [failure, expected] of Object.entries(EXPECTED)) {
    const { headers, json, status } = await script(failure as Failure)
    const { code, error, loginUrl, message, statusCode } = json()
    t.equal(`${status} ${code} ${error} ${loginUrl}`, expected)
    t.equal(statusCode, status)
    t.match(message, /^[A-Z].*\.$/)
    t.equal(headers['content-type'], 'application/json; charset=utf-8')
    t.equal(headers['cache-control'], 'no-store')
  }
  t.match((await submit('login')).text, /^<!doctype html>/, 'a page is never changed either')
  t.match((await open('admin')).text, /^<!doctype html>/)
}

for (const [what, before] of Object.entries(APPS)) {
  for (const [name, response] of Object.entries(SCHEMAS)) {
    t.test(
      `A guard’s response is the same if a route declares ${name}, in an app with ${what}.`,
      t => assertResponses(t, before, response)
    )
  }
}

t.test('A guard’s response is the same if a route declares its responses with zod.', async t => {
  const strict = z.strictObject({ traceId: z.string() })
  const zod = (app: FastifyInstance): unknown => app.setSerializerCompiler(serializerCompiler)
  await assertResponses(t, zod, { 401: strict, 403: strict, 503: strict })
  await assertResponses(t, zod, { default: strict })
})
