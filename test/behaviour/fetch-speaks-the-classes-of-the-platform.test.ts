import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { FormData as UndiciForm, Headers as UndiciHeaders } from 'undici'
import { File as File6, FormData as UndiciForm6, Headers as UndiciHeaders6 } from 'undici-6'
import type { Authentication } from '../../lib/index.ts'
import type { FetchInit } from '../../lib/http/fetch-init.ts'
import { startApp } from '../support/app.ts'
import { logIn } from '../support/login.ts'
import { startRawServer, startServer } from '../support/servers.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const USERS = '/api/account/{accountId}/configuration/le-users/users'

interface Calling {
  /** Opens a route that responds with what a function returns. */
  respond: (what: (leAuth: Authentication) => unknown) => ReturnType<typeof fetch>
  /** Calls the service in a route, and returns the response that the route got. */
  call: (init?: FetchInit, path?: string) => Promise<Response>
}

/** A user who is logged in to an app, whose calls reach this server. */
async function calling(t: Test, host: string | null): Promise<Calling> {
  let action: (leAuth: Authentication) => unknown = () => null
  const app = await startApp(t, {
    after: app => {
      app.get('/act', { onRequest: app.requireAuth }, async request => action(request.leAuth!))
    }
  })
  const browser = app.browser()
  await logIn(app, browser)
  if (host !== null) {
    app.sentinel.always('domain', { change: response => ({ ...response, baseURI: host }) })
  }
  const respond: Calling['respond'] = async what => {
    action = what
    const cookie = await browser.jar.getCookieString(app.url('/act'))
    return fetch(`${app.server}/act`, { headers: { cookie } })
  }
  return {
    respond,
    call: async (init = {}, path = '/x') => {
      let outcome: { response: Response } | { error: unknown } | undefined
      await respond(async leAuth => {
        outcome = await leAuth.fetch('msgHist', path, init).then(
          response => ({ response }),
          error => ({ error })
        )
        return 'done'
      })
      if (outcome !== undefined && 'response' in outcome) return outcome.response
      throw outcome?.error
    }
  }
}

t.test('fetch returns a Response of the platform.', async t => {
  const { call } = await calling(t, null)
  const response = await call({}, USERS)
  t.ok(response instanceof Response)
  t.ok(response.body instanceof ReadableStream)
  t.ok(response.headers instanceof Headers)
  t.match(response.url, /^http:\/\/127\.0\.0\.1:\d+\/api\/account\/12345678\//)
  const copy = response.clone()
  t.equal(((await response.json()) as any[])[0].accountId ?? '12345678', '12345678')
  t.ok((await copy.text()).startsWith('['))
})

t.test('fetch accepts headers and bodies of the platform’s and of undici’s classes.', async t => {
  const service = await startServer(t, (_request, response) => response.end())
  const { call } = await calling(t, service.host)
  const filled = (form: FormData | UndiciForm | UndiciForm6, file: any) => {
    form.append('file', file, 'a.txt')
    form.append('text', 'of the form')
    return form
  }
  const bytes = new TextEncoder().encode('of the bytes')
  const multipart = /^multipart\/form-data; boundary=/
  const bodies: Array<[body: FetchInit['body'], type: RegExp, text: RegExp]> = [
    [new URLSearchParams({ a: '1' }), /^application\/x-www-form-urlencoded/, /^a=1$/],
    [new Blob(['x'], { type: 'text/csv' }), /^text\/csv/, /^x$/],
    [bytes, /^undefined$/, /^of the bytes$/],
    [new Response('of the stream').body, /^undefined$/, /^of the stream$/],
    [filled(new FormData(), new Blob(['of the file'])), multipart, /a\.txt[^]*of the file[^]*form/],
    [filled(new UndiciForm(), new Blob(['of the file'])), multipart, /a\.txt[^]*of the file/],
    [filled(new UndiciForm6(), new File6(['of the file'], 'b')), multipart, /a\.txt[^]*of the file/]
  ]
  for (const [body, type, text] of bodies) {
    for (const headers of [new Headers(), new UndiciHeaders(), new UndiciHeaders6()]) {
      headers.set('x-a', 'b')
      if (body instanceof ReadableStream && body.locked) continue
      await call({ method: 'POST', headers, body, duplex: 'half' })
      const request = service.requests.at(-1)!
      t.match(String(request.headers['content-type']), type)
      t.match(request.body, text)
      t.equal(request.headers['x-a'], 'b')
    }
  }
})

t.test('A route can send the response of a service on, whatever its coding.', async t => {
  const text = 'of the service '.repeat(1000)
  const encoders: Record<string, (text: string) => string | Buffer> = {
    gzip: gzipSync,
    'X-Gzip': gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    'deflate, gzip': text => gzipSync(deflateSync(text)),
    none: text => text
  }
  const service = await startServer(t, ({ url }, response) => {
    const coding = decodeURIComponent(url.slice(1))
    const body = encoders[coding]!(text)
    if (coding !== 'none') response.setHeader('content-encoding', coding)
    response.setHeader('set-cookie', ['a=1', 'b=2'])
    response.writeHead(203, { 'content-length': Buffer.byteLength(body), etag: '"7"' }).end(body)
  })
  const { respond } = await calling(t, service.host)
  for (const coding of Object.keys(encoders)) {
    const path = `/${encodeURIComponent(coding)}`
    const response = await respond(leAuth => leAuth.fetch('msgHist', path))
    t.equal(response.status, 203, coding)
    t.equal(response.headers.get('etag'), '"7"')
    t.same(response.headers.getSetCookie().slice(0, 2), ['a=1', 'b=2'])
    t.equal((await response.text()) === text, true, 'the whole text')
  }
})

t.test('A body that is not decoded keeps its coding and length.', async t => {
  const service = await startServer(t, ({ method }, response) => {
    const coding = method === 'HEAD' ? 'gzip' : 'compress'
    response.writeHead(200, { 'content-encoding': coding, 'content-length': 4 }).end('abcd')
  })
  const { call } = await calling(t, service.host)
  const response = await call()
  t.equal(response.headers.get('content-encoding'), 'compress')
  t.equal(response.headers.get('content-length'), '4')
  t.equal(await response.text(), 'abcd')
  const head = await call({ method: 'HEAD' })
  t.equal(head.body, null)
  t.equal(head.headers.get('content-encoding'), 'gzip')
  t.equal(head.headers.get('content-length'), '4')
})

t.test('A body can be read long after the response has arrived.', async t => {
  const text = 'x'.repeat(1024 * 1024)
  const service = await startServer(t, (_request, response) => response.end(text))
  const { call } = await calling(t, service.host)
  const response = await call()
  for (let turn = 0; turn < 5; turn += 1) {
    collectGarbage()
    // The platform tells of garbage in a later turn.
    await new Promise(resolve => setImmediate(resolve))
  }
  t.equal((await response.text()).length, text.length)
})

t.test('A reason phrase that no Response can hold is left out.', async t => {
  for (const [sent, received] of [
    ['Größe', 'Größe'],
    ['日本', ''],
    ['a\u0001', '']
  ]) {
    const body = 'content-length: 1\r\n\r\na'
    const service = await startRawServer(t, `HTTP/1.1 200 ${sent}\r\n${body}`)
    const { call } = await calling(t, service.host)
    const response = await call()
    t.equal(response.statusText, received)
    t.equal(await response.text(), 'a')
  }
})

t.test('A status above 599 is no valid response.', async t => {
  const service = await startRawServer(t, 'HTTP/1.1 600 Odd\r\ncontent-length: 0\r\n\r\n')
  const { call } = await calling(t, service.host)
  await t.rejects(call(), { code: 'LE_AUTH_SERVICE_UNAVAILABLE', reason: 'malformed' })
})
