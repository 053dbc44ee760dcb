import Fastify, { type FastifyRequest } from 'fastify'
import { authOf, requireAuth, type Authentication } from 'fastify-le-auth'
import {
  FormData as UndiciForm,
  Headers as UndiciHeaders,
  type RequestInit as UndiciInit
} from 'undici'

const path = '/api/account/{accountId}/configuration/le-users/users'

export async function read(leAuth: Authentication, id: string): Promise<unknown> {
  const response: Response = await leAuth.fetch('accountConfigReadOnly', path)
  const body: ReadableStream<Uint8Array> | null = response.body
  if (!response.ok || body === null) throw new Error(`${response.status} ${response.url} ${id}`)
  return response.headers.get('etag') ?? response.json()
}

export async function write(leAuth: Authentication, init: RequestInit): Promise<Blob> {
  const form = new FormData()
  form.set('file', new Blob(['a']), 'a.txt')
  const signal = AbortSignal.timeout(1000)
  await leAuth.fetch('x', path, { method: 'POST', headers: new Headers(), body: form, signal })
  await leAuth.fetch('x', path, { method: 'PUT', body: new URLSearchParams({ a: '1' }) })
  await leAuth.fetch('x', path, { method: 'PUT', body: new Blob(['a']) })
  await leAuth.fetch('x', path, { method: 'PUT', body: Buffer.from('a') })
  await leAuth.fetch('x', path, { method: 'PUT', body: new Uint8Array(2), headers: { a: 'b' } })
  const stream = new Response('a').body
  await leAuth.fetch('x', path, { method: 'PUT', headers: [['a', 'b']], body: stream })
  return (await leAuth.fetch('x', path, init)).blob()
}

/** undici's own classes, also beside the platform's. */
export async function undici(leAuth: Authentication, init: UndiciInit): Promise<FormData> {
  const form = new UndiciForm()
  await leAuth.fetch('x', path, { method: 'POST', headers: new UndiciHeaders(), body: form })
  await leAuth.fetch('x', path, { method: 'POST', headers: new Headers(), body: form })
  await leAuth.fetch('x', path, { headers: new UndiciHeaders(), body: new FormData() })
  return (await leAuth.fetch('x', path, init)).formData()
}

/** A function that expects the platform's `fetch`. */
export const asPlatformFetch =
  (request: FastifyRequest) =>
  (path: string, init?: RequestInit): Promise<Response> =>
    authOf(request).fetch('x', path, init)

const app = Fastify()
app.get('/users', { preHandler: requireAuth }, async (request, reply) => {
  return reply.send(await authOf(request).fetch('accountConfigReadOnly', path))
})

export async function wrong(leAuth: Authentication): Promise<void> {
  // @ts-expect-error a path, and no URL
  await leAuth.fetch('x', new URL('https://example.com'))
  // @ts-expect-error no such method
  await leAuth.fetch('x', path, { method: 1 })
  // @ts-expect-error no plain object
  await leAuth.fetch('x', path, { method: 'POST', body: { a: 1 } })
}
