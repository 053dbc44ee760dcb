import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { authOf } from '../../lib/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { AGENT } from '../support/login.ts'

const USERS = '/api/account/{accountId}/configuration/le-users/users'
const PAGE = {
  accept: 'text/html',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document'
}
const SCRIPT = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }

interface Http2Response {
  headers: IncomingHttpHeaders & IncomingHttpStatusHeader
  body: string
}

type Send = (path: string, headers: object, method?: string) => Promise<Http2Response>

/** A browser with one connection and the cookies that the app sets. */
function http2Browser(t: Test, { server, origin }: TestApp): Send {
  const cookies = new Map<string, string>()
  const connection = connect(server)
  t.teardown(() => connection.destroy())
  return async (path, headers, method = 'GET') => {
    const stream = connection.request({
      ':authority': new URL(origin).host,
      ':path': path,
      ':method': method,
      cookie: [...cookies].map(pair => pair.join('=')).join('; '),
      ...headers
    })
    const response = new Promise<Http2Response['headers']>((resolve, reject) => {
      stream.once('response', resolve).once('error', reject)
    })
    const body = await text(stream)
    const received = await response
    for (const cookie of received['set-cookie'] ?? []) {
      const [name, value] = cookie.split(';')[0]!.split('=')
      cookies.set(name!, value!)
    }
    return { headers: received, body }
  }
}

t.test('Login, guards, fetch and logout work over HTTP/2.', async t => {
  const app = await startApp(t, {
    fastify: { http2: true } as object,
    after: app =>
      app.get('/people', { preHandler: app.requireAuth }, async (request, reply) =>
        reply.send(await authOf(request).fetch('accountConfigReadOnly', USERS))
      )
  })
  const send = http2Browser(t, app)
  const statusOf = async (...request: Parameters<Send>): Promise<number | undefined> =>
    (await send(...request)).headers[':status']

  t.equal(await statusOf('/people', SCRIPT), 401)
  const { location: login } = (await send('/people', PAGE)).headers
  t.equal(login, '/login?returnTo=%2Fpeople')
  const { location: authorization } = (await send(login!, PAGE)).headers
  const callback = new URL(await app.sentinel.signIn(authorization!, AGENT.loginName))
  const { headers } = await send(callback.pathname + callback.search, PAGE)
  t.equal(headers.location, '/people')

  const users = await send('/people', PAGE)
  t.equal(users.headers[':status'], 200)
  t.match(users.body, AGENT.id)
  t.equal(await statusOf('/logout', { ...PAGE, 'sec-fetch-site': 'same-origin' }, 'POST'), 303)
  t.equal(await statusOf('/people', SCRIPT), 401)
})
