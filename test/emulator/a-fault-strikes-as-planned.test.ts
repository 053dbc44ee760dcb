import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import type { SentinelEmulator } from '../../lib/emulator/index.ts'
import {
  Browser,
  errorOf,
  exchange,
  newCode,
  newTokens,
  postClientForm,
  refresh,
  start,
  tokensOf
} from './support.ts'

const jwks = async (sentinel: SentinelEmulator) =>
  await fetch(`${sentinel.url}/sentinel/well-known/jwks`)

const revoke = async (sentinel: SentinelEmulator) =>
  await postClientForm(sentinel, { token: 'x' }, 'token/revoke?v=1.0')

t.test('a fault strikes once, always, or as part of a queue', async t => {
  const sentinel = await start(t)
  const statuses = async (count: number) => {
    const seen = []
    for (let i = 0; i < count; i++) seen.push((await jwks(sentinel)).status)
    return seen
  }
  sentinel.next('jwks', { status: 500 })
  sentinel.next('jwks', { status: 429 })
  t.same(await statuses(3), [500, 429, 200])
  sentinel.always('jwks', { status: 503 })
  sentinel.next('jwks', { status: 500 })
  t.same(await statuses(3), [500, 503, 503])
  sentinel.always('jwks', null)
  t.same(await statuses(1), [200])
})

t.test('a fault strikes only its own endpoint', async t => {
  const sentinel = await start(t)
  for (const endpoint of ['refresh', 'revoke', 'users', 'domain'] as const) {
    sentinel.always(endpoint, { status: 500 })
  }
  const tokens = await newTokens(sentinel)
  t.equal((await refresh(sentinel, tokens.refresh_token)).status, 500)
  sentinel.always('refresh', null)
  sentinel.always('token', { status: 500 })
  t.equal((await refresh(sentinel, tokens.refresh_token)).status, 200)
  t.equal((await revoke(sentinel)).status, 500)
})

t.test("a fault replaces the emulator's response, before or after its work", async t => {
  const sentinel = await start(t)
  const { refresh_token: token } = await newTokens(sentinel)

  sentinel.next('refresh', { status: 503, body: '{"half":', headers: { 'retry-after': '1' } })
  const replaced = await refresh(sentinel, token)
  t.equal(replaced.status, 503)
  t.equal(replaced.headers.get('retry-after'), '1')
  t.equal(replaced.headers.get('content-type'), 'application/json;charset=utf-8')
  t.equal(await replaced.text(), '{"half":')

  const headers = { 'content-type': 'text/html' }
  const body = Buffer.from('<h1>')
  sentinel.next('refresh', { status: 502, body, headers, processed: true })
  const processed = await refresh(sentinel, token)
  t.equal(processed.status, 502)
  t.equal(processed.headers.get('content-type'), 'text/html')
  t.notOk(processed.headers.has('cache-control'), 'the original headers are gone')
  t.equal(await processed.text(), '<h1>')
  t.equal(await errorOf(refresh(sentinel, token)), '400 invalid_grant', 'the token was rotated')
})

t.test('a fault changes the body of a response', async t => {
  const sentinel = await start(t)
  sentinel.next('token', { change: tokens => ({ ...tokens, token_type: 'mac' }) })
  t.match(await newTokens(sentinel), { access_token: /^[0-9a-f]{64}$/, token_type: 'mac' })

  sentinel.next('token', { change: ({ access_token: token }) => `not json ${token}` })
  const response = await exchange(sentinel, await newCode(sentinel))
  t.equal(response.status, 200)
  t.match(await response.text(), /^not json [0-9a-f]{64}$/)

  sentinel.next('jwks', { change: async () => Buffer.from([1, 2]) })
  t.same(Buffer.from(await (await jwks(sentinel)).arrayBuffer()), Buffer.from([1, 2]))

  sentinel.next('authorize', { change: page => [page] })
  const redirect = await new Browser(sentinel).get('/sentinel/api/account/1/authorize?v=1.0')
  t.match(await redirect.json(), [/<!doctype html>/], 'a page is passed as text')

  sentinel.next('revoke', { change: text => text + 'nothing' })
  t.equal(await (await revoke(sentinel)).text(), 'nothing')
})

t.test('a fault closes the connection before or after the work', async t => {
  const sentinel = await start(t)
  const { refresh_token: token } = await newTokens(sentinel)
  sentinel.next('refresh', { cutOff: 'unprocessed' })
  await t.rejects(refresh(sentinel, token), /fetch failed/)
  sentinel.next('refresh', { cutOff: 'before-response' })
  await t.rejects(refresh(sentinel, token), /fetch failed/)
  t.equal(await errorOf(refresh(sentinel, token)), '400 invalid_grant', 'the second one rotated it')
})

t.test('a fault closes the connection in the middle of a response', async t => {
  const sentinel = await start(t)
  const whole = await (await jwks(sentinel)).text()
  sentinel.next('jwks', { cutOff: 'mid-body' })
  const response = await jwks(sentinel)
  t.equal(response.headers.get('content-length'), String(whole.length))
  await t.rejects(response.text(), /terminated/)

  sentinel.next('jwks', { cutOff: 'mid-body' })
  const raw = await rawResponse(sentinel, '/sentinel/well-known/jwks')
  t.equal(raw.split('\r\n\r\n')[1], whole.slice(0, Math.floor(whole.length / 2)))

  sentinel.next('revoke', { cutOff: 'mid-body' })
  const empty = await revoke(sentinel)
  t.equal(empty.status, 200)
  await t.rejects(empty.text(), /terminated/, 'a response without a body is cut off too')
})

t.test('a fault delays a response, or sends it byte by byte', async t => {
  const sentinel = await start(t)
  const timed = async () => {
    const began = performance.now()
    const response = await jwks(sentinel)
    const text = await response.text()
    return { status: response.status, text, took: performance.now() - began }
  }
  const { text } = await timed()
  sentinel.next('jwks', { delayMs: 60 })
  const late = await timed()
  t.equal(late.text, text)
  t.ok(late.took >= 55, `${late.took}`)
  sentinel.next('jwks', { drip: 1 })
  const drip = await timed()
  t.equal(drip.text, text)
  t.ok(drip.took >= text.length / 2, `${drip.took}`)
  sentinel.next('revoke', { drip: 1 })
  t.equal(await (await revoke(sentinel)).text(), '')
})

t.test('an unknown fault or endpoint is refused', async t => {
  const sentinel = await start(t)
  t.throws(
    () => sentinel.next('logout' as 'login', { hang: true }),
    /no endpoint logout; use one of domain, authorize/
  )
  t.throws(
    () => sentinel.always('login', {} as { hang: true }),
    /a fault must have exactly one of delayMs, status/
  )
  t.throws(() => sentinel.next('login', { hang: true, delayMs: 1 }), /exactly one/)
  t.throws(() => sentinel.always('logout' as 'login', null), /no endpoint logout/)
})

t.test('a refresh with a lost response can be retried if oldRefreshTokenDies is false', async t => {
  const sentinel = await start(t, { behaviour: { oldRefreshTokenDies: false } })
  const { refresh_token: token } = await newTokens(sentinel)
  sentinel.next('refresh', { cutOff: 'before-response' })
  await t.rejects(refresh(sentinel, token))
  t.match(await tokensOf(await refresh(sentinel, token)), { token_type: 'Bearer' })
})

async function rawResponse(sentinel: SentinelEmulator, path: string): Promise<string> {
  const socket = connect(Number(new URL(sentinel.url).port), '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${sentinel.host}\r\n\r\n`)
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}
