import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import type { FastifyRequest } from 'fastify'
import type { StartSentinelEmulatorOptions } from '../../lib/emulator/index.js'
import type { Authentication, LeAuthOptions } from '../../lib/index.js'
import { errorCode, logIn, startApp } from '../support/app.js'
import type { Answer } from '../support/browser.js'
import { Clock, MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.js'
import { gate, hold } from '../support/hold.js'
import { accessToken, loggedIn, tokenAfter, until, type Shifted } from '../support/shifted.js'
import type { TestStore } from '../support/stores.js'
import { twoApps } from '../support/two-apps.js'

/** A logged-in user of an app with a route that does this. */
async function asking (t: Test, ask: (request: FastifyRequest) => Promise<unknown>, emulator: StartSentinelEmulatorOptions = {}, options: LeAuthOptions = {}): Promise<Shifted> {
  return loggedIn(t, emulator, options, {
    after: app => app.get('/ask', { onRequest: app.requireAuth }, async request => ({ answer: await ask(request), expiresAt: request.leAuth!.expiresAt }))
  })
}

/** The same, with a request that has come in, and asks when it is told to. */
async function openRequest (t: Test, ask: (leAuth: Authentication) => Promise<unknown>, emulator: StartSentinelEmulatorOptions = {}, options: LeAuthOptions = {}): Promise<Shifted & { open: Promise<Answer>, go: () => void }> {
  const handler = gate()
  const shifted = await asking(t, async ({ leAuth }) => {
    await handler.pass()
    return ask(leAuth!)
  }, emulator, options)
  const open = shifted.browser.script(shifted.app.url('/ask'))
  await handler.reached()
  return { ...shifted, open, go: handler.open }
}

t.test('minTtl: a token that would end too soon is refreshed first', async t => {
  const shifted = await asking(t, request => request.leAuth!.getAccessToken({ minTtl: 50 * MINUTE }))
  const { app, clock, browser } = shifted
  const before = await accessToken(shifted)
  t.equal((await browser.script(app.url('/ask'))).json().answer, before)
  clock.advance(11 * MINUTE)
  const answer = (await browser.script(app.url('/ask'))).json()
  t.not(answer.answer, before)
  t.ok(Date.parse(answer.expiresAt) > clock.now() + 50 * MINUTE)
  t.equal(app.calls('refresh'), 1)
})

t.test('minTtl is no reason to fail: the token there is still lives', async t => {
  const shifted = await asking(t, request => request.leAuth!.getAccessToken({ minTtl: 50 * MINUTE }))
  const { app, clock, browser } = shifted
  const before = await accessToken(shifted)
  clock.advance(11 * MINUTE)
  app.sentinel.next('refresh', { status: 503 })
  t.equal((await browser.script(app.url('/ask'))).json().answer, before)
  t.equal(app.calls('refresh'), 1)
})

t.test('minTtl: a login that the refresh finds to be over gives no token, though the one there still lives', async t => {
  const { app, clock, browser } = await asking(t, request => request.leAuth!.getAccessToken({ minTtl: 50 * MINUTE }))
  clock.advance(11 * MINUTE)
  app.sentinel.expireRefreshTokens()
  const answer = await browser.script(app.url('/ask'))
  t.equal(`${answer.status} ${errorCode(answer)}`, '401 LE_AUTH_SESSION_ENDED')
  t.equal(app.calls('refresh'), 1)
})

t.test('a minTtl that is no time is refused by its own code', async t => {
  for (const minTtl of [-1, NaN, Infinity, '5', null]) {
    const { app, browser } = await asking(t, request => request.leAuth!.getAccessToken({ minTtl } as never))
    const answer = await browser.script(app.url('/ask'))
    t.equal(`${answer.status} ${errorCode(answer)}`, '500 LE_AUTH_MIN_TTL_INVALID', String(minTtl))
  }
})

t.test('refresh(): new tokens now, whatever the age of the old ones', async t => {
  const shifted = await asking(t, request => request.leAuth!.refresh())
  const { app, clock, browser } = shifted
  const before = await accessToken(shifted)
  for (let i = 1; i <= 3; i += 1) {
    t.equal((await browser.script(app.url('/ask'))).status, 200)
    t.equal(app.calls('refresh'), i)
  }
  t.not(await accessToken(shifted), before)
  app.sentinel.next('refresh', { status: 500 })
  for (let i = 0; i < 2; i += 1) t.equal(errorCode(await browser.script(app.url('/ask'))), 'LE_AUTH_REFRESH_UNAVAILABLE')
  t.equal(app.calls('refresh'), 4, 'spaced like every other try')
  clock.advance(7 * SECOND)
  t.equal((await browser.script(app.url('/ask'))).status, 200)
})

t.test('a request that lives long gets a fresh token each time it needs one', async t => {
  const clockOf: { advance?: (ms: number) => void } = {}
  const { app, clock, browser } = await asking(t, async request => {
    const tokens = []
    for (let i = 0; i < 3; i += 1) {
      tokens.push(await request.leAuth!.getAccessToken())
      clockOf.advance!(61 * MINUTE)
    }
    return tokens
  })
  clockOf.advance = ms => clock.advance(ms)
  t.equal(new Set((await browser.script(app.url('/ask'))).json().answer).size, 3)
  t.equal(app.calls('refresh'), 2)
})

t.test('also where another request has refreshed since, and that token has ended as well', async t => {
  const { app, clock, browser, open, go } = await openRequest(t, leAuth => leAuth.getAccessToken())
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(61 * MINUTE)
  go()
  t.ok(Date.parse((await open).json().expiresAt) > clock.now())
  t.equal(app.calls('refresh'), 2)
})

t.test('where nobody tells when tokens end, those that another request has got are taken', async t => {
  const { app, clock, browser, open, go } = await openRequest(t, leAuth => leAuth.getAccessToken(), { behaviour: { expiresIn: 'absent' } })
  clock.advance(31 * MINUTE)
  const before = await accessToken({ app, clock, browser })
  const newer = await tokenAfter({ app, clock, browser }, before)
  go()
  t.equal((await open).json().answer, newer)
  t.equal(app.calls('refresh'), 1)
})

t.test('and refreshed where they are due as well', async t => {
  const users = '/api/account/{accountId}/configuration/le-users/users'
  const { app, clock, browser, open, go } = await openRequest(t, async leAuth => (await leAuth.fetch('accountConfigReadOnly', users)).status, { behaviour: { expiresIn: 'absent' } })
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  clock.advance(61 * MINUTE)
  go()
  t.equal((await open).json().answer, 200)
})

t.test('nor does it wait for a refresh that hangs while tokens live that another request has got', async t => {
  const { app, clock, browser, open, go } = await openRequest(t, leAuth => leAuth.getAccessToken(), {}, { httpTimeout: SHORT_DEADLINE })
  clock.advance(61 * MINUTE)
  const living = await accessToken({ app, clock, browser })
  clock.advance(31 * MINUTE)
  app.sentinel.next('refresh', { hang: true })
  t.equal(await accessToken({ app, clock, browser }), living)
  await until(() => app.calls('refresh') === 2)
  go()
  t.equal((await open).json().answer, living)
})

t.test('but it waits for one that is under way where those have ended too', async t => {
  const { app, clock, browser, open, go } = await openRequest(t, leAuth => leAuth.getAccessToken())
  const joined: unknown[] = []
  const onJoined = (message: unknown): void => { joined.push(message) }
  subscribe('fastify-le-auth:refresh:joined', onJoined)
  t.teardown(() => unsubscribe('fastify-le-auth:refresh:joined', onJoined))
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(61 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  const first = browser.script(app.url('/me'))
  const { access_token: fresh } = await held.ready()
  go()
  await until(() => joined.length === 1)
  held.release()
  t.equal((await first).status, 200)
  t.equal((await open).json().answer, fresh)
  t.equal(app.calls('refresh'), 2)
})

t.test('what another process has got is enough for who needs a living token, and not for who asks for a new one', async t => {
  const handler = gate()
  const { one, other, clock, store, toOther } = await twoApps(t, {}, {}, {
    after: app => app.get('/ask', { onRequest: app.requireAuth }, async ({ leAuth }) => {
      await handler.pass()
      await leAuth!.refresh()
      return { answer: await leAuth!.getAccessToken() }
    })
  })
  const browser = one.browser()
  await logIn(one, browser)
  const there = await toOther(browser)
  const forced = browser.script(one.url('/ask'))
  await handler.reached()
  clock.advance(61 * MINUTE)
  const newer = (await there.script(other.url('/token'))).json().accessToken
  clock.advance(2 * MINUTE)
  const reading = gate()
  store.trouble = ({ operation, kind }) => operation === 'get' && kind === 'token set' ? { heldUntil: reading.pass() } : undefined
  const content = browser.script(one.url('/token'))
  await reading.reached()
  store.trouble = () => undefined
  const joined = new Promise<void>(resolve => {
    const onJoined = (): void => resolve()
    subscribe('fastify-le-auth:refresh:joined', onJoined)
    t.teardown(() => unsubscribe('fastify-le-auth:refresh:joined', onJoined))
  })
  handler.open()
  await joined
  reading.open()
  t.equal((await content).status, 200)
  t.match((await forced).json().answer, /^[0-9a-f]{64}$/)
  t.not((await forced).json().answer, newer)
  t.equal(one.calls('refresh'), 2)
})

t.test('after a logout in the same request there is nothing left to ask for', async t => {
  for (const ask of ['getAccessToken', 'refresh', 'logout'] as const) {
    const { app, browser } = await asking(t, async request => {
      const { leAuth } = request
      await leAuth!.logout()
      await leAuth![ask]()
    })
    t.equal(errorCode(await browser.script(app.url('/ask'))), 'LE_AUTH_SESSION_ENDED', ask)
    t.equal(app.calls('refresh'), 0)
  }
})

t.test('a record that does not open, and was written anew meanwhile, is opened then', async t => {
  let restore = (): void => {}
  const { one, other, store, toOther } = await twoApps(t, {}, {}, {
    after: app => app.get('/ask', { onRequest: [async () => restore(), app.requireAuth] }, async ({ leAuth }) => leAuth!.getAccessToken())
  })
  const browser = one.browser()
  await logIn(one, browser)
  const [id] = store.tokenSets as [string]
  const whole = store.records.get(id)!
  store.rewrite(id, record => ({ ...record, leAuth: 'x.y.z' }))
  restore = () => store.records.set(id, whole)
  t.match((await (await toOther(browser)).script(other.url('/ask'))).text, /^[0-9a-f]{64}$/)
  t.equal(one.calls('refresh'), 0)
})

for (const [what, spoil] of [
  ['do not open', (store, id) => store.rewrite(id, record => ({ ...record, leAuth: 'x.y.z' }))],
  ['are gone', (store, id) => store.records.delete(id)]
] satisfies Array<[string, (store: TestStore, id: string) => unknown]>) {
  t.test(`tokens that ${what} end the login, in all processes`, async t => {
    const { one, other, store, toOther } = await twoApps(t)
    const browser = one.browser()
    await logIn(one, browser)
    spoil(store, store.tokenSets[0]!)
    t.equal((await (await toOther(browser)).script(other.url('/me'))).status, 401)
    // What is over is removed behind the response.
    await until(() => store.pending === 0)
    t.same([store.logins, store.tokenSets], [[], []])
    t.equal((await browser.script(one.url('/me'))).status, 401, 'in the process where it lived, too')
  })
}

for (const [what, ask, expected] of [
  ['a minTtl', request => request.leAuth!.getAccessToken({ minTtl: 59 * MINUTE }), '200 undefined'],
  ['refresh()', request => request.leAuth!.refresh(), '503 LE_AUTH_REFRESH_UNAVAILABLE'],
  ['a call that is refused', request => request.leAuth!.fetch('accountConfigReadOnly', '/api/account/{accountId}/unknown').then(({ status }) => status), '200 undefined']
] satisfies Array<[string, (request: FastifyRequest) => Promise<unknown>, string]>) {
  t.test(`a login with neither a refresh token nor a known end lasts, whatever ${what} asks for`, async t => {
    const app = await startApp(t, {
      emulator: { behaviour: { expiresIn: 'absent' } },
      after: app => app.get('/ask', { onRequest: app.requireAuth }, async request => ({ answer: await ask(request) }))
    })
    app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...answer }) => answer })
    const browser = app.browser()
    await logIn(app, browser)
    app.sentinel.always('users', { status: 401 })
    const answer = await browser.script(app.url('/ask'))
    t.equal(`${answer.status} ${errorCode(answer)}`, expected)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    t.equal(app.calls('refresh'), 0)
  })

  t.test(`a login without a refresh token lasts as long as its access token, whatever ${what} asks for`, async t => {
    const clock = new Clock()
    const app = await startApp(t, {
      options: { now: clock.now },
      emulator: { now: clock.now },
      after: app => app.get('/ask', { onRequest: app.requireAuth }, async request => ({ answer: await ask(request) }))
    })
    app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...answer }) => answer })
    const browser = app.browser()
    await logIn(app, browser)
    clock.advance(5 * MINUTE)
    app.sentinel.always('users', { status: 401 })
    const answer = await browser.script(app.url('/ask'))
    t.equal(`${answer.status} ${errorCode(answer)}`, expected)
    clock.advance(50 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    clock.advance(6 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.equal(app.calls('refresh'), 0)
  })
}
