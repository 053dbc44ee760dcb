import t, { type Test } from 'tap'
import { gzipSync } from 'node:zlib'
import { EMULATOR_DEFAULTS, type Fault } from '../../lib/emulator/index.js'
import { errorCode, logIn, startApp, upToCallback, type TestApp } from '../support/app.js'
import { isAnonymous, isFreeOf } from '../support/anonymous.js'
import type { Browser } from '../support/browser.js'
import { MINUTE } from '../support/clock.js'
import { claimsWith, hmac, idToken, idTokenBy, idTokenOf, PUBLIC_PEM, unsigned } from '../support/id-tokens.js'
import { startRawServer, startServer } from '../support/servers.js'
import { TestStore } from '../support/stores.js'

const MARKER = 'marker-of-the-token-answer'
const { clientId, clientSecret } = EMULATOR_DEFAULTS

interface Row {
  what: string
  fault: Fault
  answer: string
}

const MISSING = '502 LE_AUTH_ID_TOKEN_MISSING'
const ID_TOKEN = '502 LE_AUTH_ID_TOKEN_INVALID'
const INVALID = '502 LE_AUTH_SENTINEL_INVALID'
const UNAVAILABLE = '503 LE_AUTH_SENTINEL_UNAVAILABLE'
const CLIENT = '502 LE_AUTH_CLIENT_REJECTED'
const CODE = '400 LE_AUTH_CODE_REJECTED'

/** The genuine answer with some members changed; `undefined` leaves one out. */
const members = (changes: Record<string, unknown>): Fault => ({ change: answer => ({ ...answer, ...changes }) })
/** The genuine answer with one member written as raw JSON, for what JavaScript would not print. */
const rawMember = (name: string, json: string): Fault => ({ change: ({ [name]: _dropped, ...answer }) => JSON.stringify(answer).replace(/\}$/, `,"${name}":${json}}`) })
const replaced = (status: number, body: string | Buffer = '', headers: Record<string, string> = {}): Fault => ({ status, body, headers })
const HTML = { 'content-type': 'text/html' }
const good = JSON.stringify({ access_token: MARKER, token_type: 'Bearer', refresh_token: MARKER, expires_in: 3600, id_token: idToken() })

const idTokens: Array<[what: string, value: unknown, answer?: string]> = [
  ['ID1 alg none', unsigned({ alg: 'none' })],
  ['ID1 alg None', unsigned({ alg: 'None' })],
  ['ID1 alg nOnE', unsigned({ alg: 'nOnE' }, 'c2ln')],
  ['ID1 no alg', unsigned({}, 'c2ln')],
  ['ID1 empty signature', unsigned({ alg: 'RS256' })],
  ['ID2 HS256 with the client secret', hmac(clientSecret)],
  ['ID2 HS256 with a public key', hmac(PUBLIC_PEM)],
  ['ID2 HS256 with a public key and a space', hmac(` ${PUBLIC_PEM}`)],
  ['ID2 HS256 with an empty key', hmac('')],
  ['ID3 ES256', idTokenBy('ES256')],
  ['ID3 PS256', idTokenBy('PS256')],
  ['ID3 RS512', idTokenBy('RS512')],
  ['ID4 no iss', idToken({ iss: undefined })],
  ['ID4 iss SENTINEL', idToken({ iss: 'SENTINEL' })],
  ['ID4 iss with a slash', idToken({ iss: 'sentinel/' })],
  ['ID4 iss with a space', idToken({ iss: 'sentinel ' })],
  ['ID4 iss in an array', idToken({ iss: ['sentinel'] })],
  ['ID4 iss a number', idToken({ iss: 1 })],
  ['ID4 iss empty', idToken({ iss: '' })],
  ['MX4 iss foreign', idToken({ iss: 'https://evil.example' })],
  ['MX4 iss xsentinel', idToken({ iss: 'xsentinel' })],
  ['ID5 aud other', idToken({ aud: 'other' })],
  ['ID5 no aud', idToken({ aud: undefined })],
  ['ID5 aud empty', idToken({ aud: '' })],
  ['ID5 aud null', idToken({ aud: null })],
  ['ID5 aud a number', idToken({ aud: 5 })],
  ['ID5 aud a part of ours', idToken({ aud: clientId.slice(0, -1) })],
  ['ID6 aud two, no azp', idToken({ aud: [clientId, 'other'] })],
  ['ID6 aud two, azp other', idToken({ aud: [clientId, 'other'], azp: 'other' })],
  ['ID6 aud array of another', idToken({ aud: ['other'] })],
  ['ID6 aud empty array', idToken({ aud: [] })],
  ['ID6 aud array within an array', idToken({ aud: [[clientId]] })],
  ['ID6 Sentinel as iss and aud other', idToken({ iss: 'Sentinel', aud: 'other' })],
  ['ID7 exp past the tolerance', idToken({ exp: seconds(-61 * 1000) })],
  ['ID7 no exp', idToken({ exp: undefined })],
  ['ID7 exp a string', idToken({ exp: String(seconds(10 * MINUTE)) })],
  ['ID7 exp NaN as a string', idToken({ exp: 'NaN' })],
  ['ID7 exp null', idToken({ exp: null })],
  ['ID7 exp negative', idToken({ exp: -1 })],
  ['ID7 exp 1e300', idTokenOf(JSON.stringify(claimsWith({ exp: '@' })).replace('"@"', '1e300'))],
  ['ID7 exp 1e400', idTokenOf(JSON.stringify(claimsWith({ exp: '@' })).replace('"@"', '1e400'))],
  ['ID8 no iat', idToken({ iat: undefined })],
  ['ID8 iat an hour ahead', idToken({ iat: seconds(60 * MINUTE), exp: seconds(70 * MINUTE) })],
  ['ID8 iat a string', idToken({ iat: String(seconds(0)) })],
  ['ID8 iat 1e300', idTokenOf(JSON.stringify(claimsWith({ iat: '@' })).replace('"@"', '1e300'))],
  ['ID8 nbf ahead', idToken({ nbf: seconds(10 * MINUTE) })],
  ['ID8 nbf a string', idToken({ nbf: 'now' })],
  ['ID9 no sub', idToken({ sub: undefined })],
  ['ID9 sub empty', idToken({ sub: '' })],
  ['ID9 sub a number', idToken({ sub: 3562186410 })],
  ['ID9 sub an object', idToken({ sub: { id: '1' } })],
  ['ID9 sub null', idToken({ sub: null })],
  ['ID9 sub too long', idToken({ sub: 'x'.repeat(256) })],
  ['ID11 unknown crit', idToken({}, { crit: ['x'], x: 1 })],
  ['ID11 crit b64', idToken({}, { crit: ['b64'], b64: false })],
  ['ID11 two segments', idToken().split('.').slice(0, 2).join('.')],
  ['ID11 four segments', `${idToken()}.x`],
  ['ID11 five segments', `${idToken()}.x.y`],
  ['ID11 a space before', ` ${idToken()}`],
  ['ID11 a line break after', `${idToken()}\n`],
  ['ID11 payload no JSON', idTokenOf('no json')],
  ['ID11 payload an array', idTokenOf('[]')],
  ['ID11 payload null', idTokenOf('null')],
  ['ID11 header no JSON', `bm8.${idToken().split('.').slice(1).join('.')}`],
  ['CI8 a nonce that nobody asked for', idToken({ nonce: 'x' })],
  ['ID12 none', undefined, MISSING],
  ['ID12 empty', '', INVALID],
  ['ID12 null', null, INVALID],
  ['ID12 a number', 7, INVALID],
  ['ID12 an object', { sub: '1' }, INVALID]
]

const rows: Row[] = [
  ...idTokens.map(([what, value, answer = ID_TOKEN]) => ({ what, fault: members({ id_token: value }), answer })),
  { what: 'DS6 a header of 300 KB', fault: members({ id_token: unsigned({ alg: 'none', x: 'x'.repeat(300_000) }, 'x') }), answer: ID_TOKEN },
  { what: 'DS6 deep claims', fault: members({ id_token: idTokenOf('['.repeat(100_000)) }), answer: ID_TOKEN },

  { what: 'TR1 HTML', fault: replaced(200, `<h1>${MARKER}</h1>`, HTML), answer: INVALID },
  { what: 'TR1 HTML that says it is JSON', fault: replaced(200, `<h1>${MARKER}</h1>`), answer: INVALID },
  { what: 'TR1 empty', fault: replaced(200), answer: INVALID },
  { what: 'TR1 204', fault: replaced(204), answer: INVALID },
  ...['null', '[]', `"${MARKER}"`, '1', 'true', good.slice(0, -20), `${good}}`].map(body =>
    ({ what: `TR1 ${body.slice(0, 12)}`, fault: replaced(200, body), answer: INVALID })),
  { what: 'TR1 bytes that are no UTF-8', fault: replaced(200, Buffer.from([0xff, 0xfe, 0xe9, 0x7b])), answer: INVALID },
  { what: 'DS5 compressed', fault: replaced(200, gzipSync(good), { 'content-encoding': 'gzip' }), answer: INVALID },
  { what: 'DS5 too large', fault: replaced(200, good.replace('{', `{"x":"${'x'.repeat(1_100_000)}",`)), answer: UNAVAILABLE },

  { what: 'TR2 200 with an error', fault: replaced(200, `{"error":"invalid_grant","error_description":"${MARKER}"}`), answer: INVALID },
  { what: 'TR2 tokens and an error', fault: members({ error: 'invalid_grant' }), answer: INVALID },

  ...[undefined, '', null, 5, { t: MARKER }, ['x'], `${MARKER}\r\nx: y`, 'a b', 'x'.repeat(9000), 'ümlaut'].map(value =>
    ({ what: `TR3 access_token ${JSON.stringify(value)?.slice(0, 20)}`, fault: members({ access_token: value }), answer: INVALID })),
  { what: 'TR3 access_token 1 MB', fault: members({ access_token: 'x'.repeat(1024 * 1024) }), answer: UNAVAILABLE },

  ...[-5, 'soon', null, {}, 'NaN', '-5', true, ''].map(value =>
    ({ what: `TR4 expires_in ${JSON.stringify(value)}`, fault: members({ expires_in: value }), answer: INVALID })),
  { what: 'TR4 expires_in 1e400', fault: rawMember('expires_in', '1e400'), answer: INVALID },

  ...['mac', 'DPoP', undefined, 5, '', null, 'Bearer '].map(value =>
    ({ what: `TR5 token_type ${JSON.stringify(value)}`, fault: members({ token_type: value }), answer: INVALID })),

  ...[201, 202, 301, 302, 303, 304, 307, 308, 404, 418].map(status =>
    ({ what: `TR7 ${status}`, fault: replaced(status, status === 304 ? '' : good, { location: 'http://127.0.0.1:9/' }), answer: INVALID })),
  { what: 'TR7 206', fault: replaced(206, good), answer: INVALID },
  { what: 'TR7 400 with HTML', fault: replaced(400, `<p>${MARKER}`, HTML), answer: INVALID },
  { what: 'TR7 400 with nothing', fault: replaced(400), answer: INVALID },
  { what: 'TR7 400 nested', fault: replaced(400, `{"error":{"statusCode":400,"message":"${MARKER}"}}`), answer: INVALID },
  { what: 'TR7 400 invalid_grant', fault: replaced(400, `{"error":"invalid_grant","error_description":"<script>${MARKER}"}`), answer: CODE },
  { what: 'TR7 400 invalid_client', fault: replaced(400, `{"error":"invalid_client","error_description":"${MARKER}"}`), answer: CLIENT },
  { what: 'TR7 400 unauthorized_client', fault: replaced(400, '{"error":"unauthorized_client"}'), answer: CLIENT },
  { what: 'TR7 400 of words of its own', fault: replaced(400, `{"error":"${MARKER}"}`), answer: INVALID },
  { what: 'TR7 401 with a challenge', fault: replaced(401, MARKER, { ...HTML, 'www-authenticate': `Basic realm="${MARKER}"` }), answer: CLIENT },
  { what: 'TR7 401 with HTML', fault: replaced(401, MARKER, HTML), answer: CLIENT },
  { what: 'TR7 401 nested', fault: replaced(401, `{"error":{"message":"${MARKER}"}}`), answer: CLIENT },
  { what: 'TR7 429', fault: replaced(429, MARKER, { 'retry-after': '1' }), answer: UNAVAILABLE },
  { what: 'TR7 500 with HTML', fault: replaced(500, MARKER, HTML), answer: UNAVAILABLE },
  { what: 'TR7 500 with invalid_grant', fault: replaced(500, '{"error":"invalid_grant"}'), answer: UNAVAILABLE },
  { what: 'TR7 503', fault: replaced(503, MARKER), answer: UNAVAILABLE },
  { what: 'TR7 reset before', fault: { cutOff: 'unprocessed' }, answer: UNAVAILABLE },
  { what: 'TR7 reset, work done', fault: { cutOff: 'before-answer' }, answer: UNAVAILABLE },
  { what: 'TR7 reset mid-body', fault: { cutOff: 'mid-body' }, answer: UNAVAILABLE },
  { what: 'DS4 silence', fault: { hang: true }, answer: UNAVAILABLE },
  { what: 'DS4 a byte now and then', fault: { drip: 50 }, answer: UNAVAILABLE }
]

t.test('every bad answer to the code exchange is a clean failure', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { httpTimeout: 400, session: { store } } })
  for (const row of rows) await t.test(row.what, t => fails(t, app, store, row))
})

async function fails (t: Test, app: TestApp, store: TestStore, { fault, answer: expected }: Row): Promise<void> {
  store.records.clear()
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  const { code, state } = Object.fromEntries(new URL(callback).searchParams)
  const [calls, logged] = [app.calls('token'), app.logLines.length]
  const bodies: string[] = []
  app.sentinel.next('token', noting(fault, bodies))

  const started = performance.now()
  const answer = await browser.step(callback)
  t.ok(performance.now() - started < 2000, 'soon')
  t.equal(`${answer.status} ${errorCode(answer)}`, expected)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(app.calls('token') - calls, 1, 'one POST /token')
  t.same([store.tokenSets, store.logins], [[], []], 'nothing is stored')
  await isAnonymous(t, app, browser)

  const again = await browser.step(callback)
  t.equal(`${again.status} ${errorCode(again)}`, '400 LE_AUTH_STATE_SPENT')
  t.equal(app.calls('token') - calls, 1, 'the second callback asks for nothing')
  const secrets = [MARKER, code, state, clientSecret, ...bodies]
  isFreeOf(t, answer.text + again.text + JSON.stringify([answer.headers, answer.location]).replaceAll(state!, ''), secrets.filter(secret => secret !== state), 'the answers are free of it')
  isFreeOf(t, app.logLines.slice(logged).join('').replaceAll('\\n', ''), secrets, 'the log is free of it')
}

/** The same fault, with the tokens of its answer noted. */
function noting (fault: Fault, tokens: string[]): Fault {
  if (!('change' in fault)) return fault
  return {
    change: answer => {
      const changed = fault.change(answer)
      for (const value of [...Object.values(answer), ...Object.values(changed as object)]) {
        if (typeof value === 'string' && value.length >= 32) tokens.push(value.slice(0, 200))
      }
      return changed
    }
  }
}

function seconds (fromNow: number): number {
  return Math.floor((Date.now() + fromNow) / 1000)
}

const accepted: Array<[what: string, fault: Fault, id?: string]> = [
  ['TR4 "3600"', members({ expires_in: '3600' })],
  ['TR4 0.5', members({ expires_in: 60.5 })],
  ['TR4 1e15', members({ expires_in: 1e15 })],
  ['TR5 bearer', members({ token_type: 'bearer' })],
  ['TR5 BEARER', members({ token_type: 'BEARER' })],
  ['TR6 text/plain', { change: answer => answer }],
  ['TR9 no refresh_token', members({ refresh_token: undefined })],
  ['TR9 no expires_in', members({ expires_in: undefined })],
  ['TR9 a scope', members({ scope: 'less' })],
  ['MX4 iss Sentinel', members({ id_token: idToken({ iss: 'Sentinel' }) })],
  ['ID6 aud [us]', members({ id_token: idToken({ aud: [clientId] }) })],
  ['ID6 aud [us, other] with azp us', members({ id_token: idToken({ aud: [clientId, 'other'], azp: clientId }) })],
  ['ID7 exp within the tolerance', members({ id_token: idToken({ exp: seconds(-30_000) }) })],
  ['ID8 iat within the tolerance', members({ id_token: idToken({ iat: seconds(30_000) }) })],
  ['ID9 sub of 255', members({ id_token: idToken({ sub: 'x'.repeat(255) }) }), 'x'.repeat(255)],
  ['ID9 sub __proto__ is a name like any other', members({ id_token: idToken({ sub: '__proto__' }) }), '__proto__'],
  ['TR1 a byte order mark', { change: answer => `\ufeff${JSON.stringify(answer)}` }]
]

t.test('every variant of a good answer logs in', async t => {
  const app = await startApp(t)
  for (const [what, fault, id = '3562186410'] of accepted) {
    const browser = app.browser()
    app.sentinel.next('token', fault)
    await logIn(app, browser)
    const me = await browser.script(app.url('/me'))
    t.equal(`${me.status} ${me.json().id}`, `200 ${id}`, what)
  }
})

t.test('TR6 the content type of good JSON does not matter', async t => {
  const app = await startApp(t)
  for (const type of ['application/json', 'application/json;charset=utf-8', 'text/plain', 'application/problem+json', '']) {
    const browser = app.browser()
    app.sentinel.next('token', { status: 200, body: good, headers: { 'content-type': type } })
    await logIn(app, browser)
    t.equal((await browser.script(app.url('/me'))).status, 200, type)
  }
})

t.test('the readings of expires_in, issuer and error codes', async t => {
  const app = await startApp(t)
  for (const expiresIn of ['number', 'string', 'absent'] as const) {
    for (const issuer of ['sentinel', 'Sentinel'] as const) {
      Object.assign(app.sentinel.behaviour, { expiresIn, issuer })
      const browser = app.browser()
      await logIn(app, browser)
      const { expiresAt } = (await browser.script(app.url('/token'))).json()
      if (expiresIn === 'absent') t.equal(expiresAt, null)
      else t.ok(Math.abs(new Date(expiresAt).getTime() - Date.now() - 60 * MINUTE) < 30_000, `${expiresIn} ${issuer}: an hour`)
    }
  }
})

t.test('TR4 what the store keeps of a lifetime is always a date', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } } })
  for (const expiresIn of [0, 0.5, '3600', 1e15]) {
    app.sentinel.next('token', members({ expires_in: expiresIn }))
    await logIn(app, app.browser(), undefined, '/login?returnTo=/')
  }
  t.equal(store.tokenSets.length, 4)
  for (const id of store.tokenSets) {
    const { leAuthTokenSet: { expiresAt, refreshAt, endsAt }, cookie } = JSON.parse(store.records.get(id)!)
    for (const time of [expiresAt, refreshAt, endsAt, cookie.expires]) t.notOk(time === null || Number.isNaN(new Date(time).getTime()), String(time))
  }
})

t.test('without an id_token the error names apiVersion.token, and that setting helps', async t => {
  const app = await startApp(t, { emulator: { behaviour: { idToken: 'v2-only' } } })
  const browser = app.browser()
  const answer = await logIn(app, browser)
  t.equal(`${answer.status} ${errorCode(answer)}`, MISSING)
  t.match(answer.text, /apiVersion\.token/)
  await isAnonymous(t, app, browser)

  const other = await startApp(t, { sentinel: app.sentinel, options: { apiVersion: { token: '2.0' } } })
  const luckier = other.browser()
  t.equal((await logIn(other, luckier)).status, 200)
  t.equal((await luckier.script(other.url('/me'))).status, 200)
})

t.test('where Sentinel refuses PKCE the error names pkce, and pkce: false logs in', async t => {
  const app = await startApp(t, { emulator: { behaviour: { pkce: 'refused' } } })
  const browser = app.browser()
  const answer = await logIn(app, browser).catch(() => browser.history.at(-1)!)
  t.equal(`${answer.status} ${errorCode(answer)}`, '502 LE_AUTH_LOGIN_REFUSED')
  t.match(answer.text, /pkce/)
  t.equal(app.calls('token'), 0)
  await isAnonymous(t, app, browser)

  const other = await startApp(t, { sentinel: app.sentinel, options: { pkce: false } })
  t.equal((await logIn(other, other.browser())).status, 200)
})

t.test('a wrong client secret is told apart, whatever the shape of the error', async t => {
  const app = await startApp(t, { options: { clientSecret: 'not-the-secret-of-this-client' } })
  for (const errorBody of ['oauth', 'nested', 'html'] as const) {
    app.sentinel.behaviour.errorBody = errorBody
    const browser = app.browser()
    const answer = await browser.step(await upToCallback(app, browser))
    t.equal(`${answer.status} ${errorCode(answer)}`, CLIENT, errorBody)
    isFreeOf(t, answer.text + app.logLines.join(''), ['not-the-secret-of-this-client'], 'the secret is nowhere')
    await isAnonymous(t, app, browser)
  }
})

t.test('a code that Sentinel no longer knows is a new login, whatever the shape of the error', async t => {
  const app = await startApp(t)
  for (const [errorBody, expected] of [['oauth', CODE], ['nested', INVALID], ['html', INVALID]] as const) {
    app.sentinel.behaviour.errorBody = errorBody
    const browser = app.browser()
    const callback = new URL(await upToCallback(app, browser))
    callback.searchParams.set('code', 'another-code')
    const answer = await browser.step(callback.href)
    t.equal(`${answer.status} ${errorCode(answer)}`, expected, errorBody)
    await isAnonymous(t, app, browser)
  }
})

t.test('TL10 the secret does not follow a redirect of the token endpoint', async t => {
  const app = await startApp(t)
  const evil = await startServer(t, (_request, response) => response.setHeader('content-type', 'application/json').end(good))
  for (const status of [301, 302, 303, 307, 308]) {
    const browser = app.browser()
    const callback = await upToCallback(app, browser)
    app.sentinel.next('token', { status, headers: { location: evil.url } })
    const answer = await browser.step(callback)
    t.equal(`${answer.status} ${errorCode(answer)}`, INVALID, String(status))
    await isAnonymous(t, app, browser)
  }
  t.same(evil.requests, [])
})

/** Begins a login, and makes up a code for its callback. */
async function callbackOf (app: TestApp, browser: Browser): Promise<string> {
  const start = await browser.step(app.url('/login'))
  return app.url(`/callback?code=a-code&state=${new URL(start.location!).searchParams.get('state')}`)
}

t.test('TR7 broken HTTP from the token endpoint', async t => {
  const header = 'content-type: application/json\r\n'
  const answers: Array<[what: string, bytes: string, expected: string]> = [
    ['no HTTP', 'hello\r\n\r\n', UNAVAILABLE],
    ['nothing', '', UNAVAILABLE],
    ['a length too long', `HTTP/1.1 200 OK\r\n${header}content-length: ${good.length + 5}\r\n\r\n${good}`, UNAVAILABLE],
    ['a length too short', `HTTP/1.1 200 OK\r\n${header}content-length: ${good.length - 5}\r\nconnection: close\r\n\r\n${good}`, INVALID],
    ['a status that does not exist', `HTTP/1.1 999 What\r\n${header}content-length: 2\r\n\r\n{}`, UNAVAILABLE],
    ['one MB of headers', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1024 * 1024)}\r\n\r\n`, UNAVAILABLE],
    ['broken chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', UNAVAILABLE]
  ]
  for (const [what, bytes, expected] of answers) {
    await t.test(what, async t => {
      const server = await startRawServer(t, bytes)
      const app = await startApp(t, { options: { httpTimeout: 1000, sentinelDomain: server.host } })
      const browser = app.browser()
      const answer = await browser.step(await callbackOf(app, browser))
      t.equal(`${answer.status} ${errorCode(answer)}`, expected)
      t.equal(server.requests.length, 1, 'asked once')
      await isAnonymous(t, app, browser)
    })
  }
})

t.test('TR7 HTTP/1.0 is HTTP', async t => {
  const server = await startRawServer(t, `HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n${good}`)
  const app = await startApp(t, { options: { sentinelDomain: server.host } })
  const browser = app.browser()
  t.equal((await browser.step(await callbackOf(app, browser))).status, 303)
  t.equal((await browser.script(app.url('/me'))).json().id, '3562186410')
})

t.test('TR8 ID13 nothing but tokens and claims is taken over, and no claim is more than it says', async t => {
  const app = await startApp(t, {
    after: app => { app.get('/session', async request => ({ session: request.session, own: Object.keys(request.session), claims: request.leAuth?.user.claims })) }
  })
  const payload = JSON.stringify(claimsWith({ is_admin: 'true', is_lpa: 1, email_verified: 'false', constructor: { polluted: 1 }, name: 'Ann' }))
    .replace('{', '{"__proto__":{"polluted":true,"isAdmin":true},')
  app.sentinel.next('token', {
    change: answer => JSON.stringify({ ...answer, constructor: 'x', cookie: 'x', sessionId: 'x', save: 'x', leAuth: { user: { id: 'evil' } }, id_token: idTokenOf(payload) })
      .replace('{', '{"__proto__":{"polluted":true},')
  })
  const browser = app.browser()
  await logIn(app, browser)
  const { id, isAdmin, isLpa, claims } = (await browser.script(app.url('/me'))).json()
  t.equal(id, '3562186410')
  t.same([isAdmin, isLpa], [false, false], 'only a real true gives a right')
  t.same(claims, { email_verified: 'false', name: 'Ann' })
  t.equal((await browser.navigate(app.url('/admin'))).status, 403)
  const { own } = (await browser.script(app.url('/session'))).json()
  t.same(own.filter((key: string) => ['save', 'sessionId', 'constructor'].includes(key)), [])
  t.equal(({} as any).polluted, undefined)
})
