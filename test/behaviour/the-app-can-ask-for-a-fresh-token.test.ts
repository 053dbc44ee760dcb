import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import type { FastifyRequest } from 'fastify'
import type { StartSentinelEmulatorOptions } from '../../lib/emulator/index.ts'
import type { Authentication, LeAuthOptions } from '../../lib/index.ts'
import { startApp } from '../support/app.ts'
import type { PageResponse } from '../support/browser.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.ts'
import { accessToken, loggedIn, type LoggedIn, tokenAfter } from '../support/logged-in.ts'
import { logIn } from '../support/login.ts'
import type { TestStore } from '../support/stores.ts'
import { twoApps } from '../support/two-apps.ts'
import { gate, hold, until } from '../support/wait.ts'

/** A logged-in user of an app with a route that does this. */
async function loggedInWith(
  t: Test,
  work: (request: FastifyRequest) => Promise<unknown>,
  emulator: StartSentinelEmulatorOptions = {},
  options: LeAuthOptions = {}
): Promise<LoggedIn> {
  return loggedIn(t, emulator, options, {
    after: app =>
      app.get('/ask', { onRequest: app.requireAuth }, async request => ({
        result: await work(request),
        expiresAt: request.leAuth!.expiresAt
      }))
  })
}

/** The same, with a request that has come in, and asks when it is told to. */
async function openRequest(
  t: Test,
  work: (leAuth: Authentication) => Promise<unknown>,
  emulator: StartSentinelEmulatorOptions = {},
  options: LeAuthOptions = {}
): Promise<LoggedIn & { open: Promise<PageResponse>; go: () => void }> {
  const handler = gate()
  const shifted = await loggedInWith(
    t,
    async ({ leAuth }) => {
      await handler.pass()
      return work(leAuth!)
    },
    emulator,
    options
  )
  const open = shifted.browser.script(shifted.app.url('/ask'))
  await handler.reached()
  return { ...shifted, open, go: handler.open }
}

t.test('A token that would expire before minLifetime is refreshed first.', async t => {
  const shifted = await loggedInWith(t, request =>
    request.leAuth!.getAccessToken({ minLifetime: 50 * MINUTE })
  )
  const { app, clock, browser } = shifted
  const before = await accessToken(shifted)
  t.equal((await browser.script(app.url('/ask'))).json().result, before)
  clock.advance(11 * MINUTE)
  const response = (await browser.script(app.url('/ask'))).json()
  t.not(response.result, before)
  t.ok(Date.parse(response.expiresAt) > clock.now() + 50 * MINUTE)
  t.equal(app.calls('refresh'), 1)
})

t.test(
  'If the refresh for minLifetime fails, the present token is returned while it is valid.',
  async t => {
    const shifted = await loggedInWith(t, request =>
      request.leAuth!.getAccessToken({ minLifetime: 50 * MINUTE })
    )
    const { app, clock, browser } = shifted
    const before = await accessToken(shifted)
    clock.advance(11 * MINUTE)
    app.sentinel.next('refresh', { status: 503 })
    t.equal((await browser.script(app.url('/ask'))).json().result, before)
    t.equal(app.calls('refresh'), 1)
  }
)

t.test(
  'If the refresh for minLifetime finds that the login has ended, no token is returned, ' +
    'even if the present one is still valid.',
  async t => {
    const { app, clock, browser } = await loggedInWith(t, request =>
      request.leAuth!.getAccessToken({ minLifetime: 50 * MINUTE })
    )
    clock.advance(11 * MINUTE)
    app.sentinel.expireRefreshTokens()
    const response = await browser.script(app.url('/ask'))
    t.equal(`${response.status} ${errorCode(response)}`, '401 LE_AUTH_LOGIN_REQUIRED')
    t.equal(app.calls('refresh'), 1)
  }
)

t.test(
  'A minLifetime that is not a time is a TypeError, which is a mistake of the app.',
  async t => {
    for (const minLifetime of [-1, NaN, Infinity, '5', null]) {
      const { app, browser } = await loggedInWith(t, request =>
        request.leAuth!.getAccessToken({ minLifetime } as never)
      )
      const response = await browser.script(app.url('/ask'))
      t.equal(response.status, 500)
      t.match(response.json().message, /minLifetime must be a time in ms/, String(minLifetime))
    }
  }
)

t.test('refresh() gets new tokens now, whatever the age of the old ones.', async t => {
  const shifted = await loggedInWith(t, request => request.leAuth!.refresh())
  const { app, clock, browser } = shifted
  const before = await accessToken(shifted)
  for (let i = 1; i <= 3; i += 1) {
    t.equal((await browser.script(app.url('/ask'))).status, 200)
    t.equal(app.calls('refresh'), i)
  }
  t.not(await accessToken(shifted), before)
  app.sentinel.next('refresh', { status: 500 })
  for (let i = 0; i < 2; i += 1) {
    t.equal(errorCode(await browser.script(app.url('/ask'))), 'LE_AUTH_REFRESH_UNAVAILABLE')
  }
  t.equal(app.calls('refresh'), 4, 'it is spaced like every other try')
  clock.advance(7 * SECOND)
  t.equal((await browser.script(app.url('/ask'))).status, 200)
})

t.test('A long request gets a fresh token each time it needs one.', async t => {
  const clockOf: { advance?: (ms: number) => void } = {}
  const { app, clock, browser } = await loggedInWith(t, async request => {
    const tokens = []
    for (let i = 0; i < 3; i += 1) {
      tokens.push(await request.leAuth!.getAccessToken())
      clockOf.advance!(61 * MINUTE)
    }
    return tokens
  })
  clockOf.advance = ms => clock.advance(ms)
  t.equal(new Set((await browser.script(app.url('/ask'))).json().result).size, 3)
  t.equal(app.calls('refresh'), 2)
})

t.test(
  'A long request refreshes again if the token that another request has refreshed has ' +
    'expired as well.',
  async t => {
    const { app, clock, browser, open, go } = await openRequest(t, leAuth =>
      leAuth.getAccessToken()
    )
    clock.advance(61 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    clock.advance(61 * MINUTE)
    go()
    t.ok(Date.parse((await open).json().expiresAt) > clock.now())
    t.equal(app.calls('refresh'), 2)
  }
)

t.test(
  'If the lifetime of tokens is unknown, a long request takes those that another request ' +
    'has refreshed.',
  async t => {
    const { app, clock, browser, open, go } = await openRequest(
      t,
      leAuth => leAuth.getAccessToken(),
      { behaviour: { expiresIn: 'absent' } }
    )
    clock.advance(31 * MINUTE)
    const before = await accessToken({ app, clock, browser })
    const newer = await tokenAfter({ app, clock, browser }, before)
    go()
    t.equal((await open).json().result, newer)
    t.equal(app.calls('refresh'), 1)
  }
)

t.test(
  'If the lifetime of tokens is unknown, a long request refreshes those of another request ' +
    'that are due.',
  async t => {
    const users = '/api/account/{accountId}/configuration/le-users/users'
    const { app, clock, browser, open, go } = await openRequest(
      t,
      async leAuth => (await leAuth.fetch('accountConfigReadOnly', users)).status,
      { behaviour: { expiresIn: 'absent' } }
    )
    clock.advance(61 * MINUTE)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    clock.advance(61 * MINUTE)
    go()
    t.equal((await open).json().result, 200)
  }
)

t.test(
  'A long request does not wait for a refresh that hangs if the tokens of another request ' +
    'are still valid.',
  async t => {
    const { app, clock, browser, open, go } = await openRequest(
      t,
      leAuth => leAuth.getAccessToken(),
      {},
      { httpTimeout: SHORT_DEADLINE }
    )
    clock.advance(61 * MINUTE)
    const living = await accessToken({ app, clock, browser })
    clock.advance(31 * MINUTE)
    app.sentinel.next('refresh', { hang: true })
    t.equal(await accessToken({ app, clock, browser }), living)
    await until(() => app.calls('refresh') === 2)
    go()
    t.equal((await open).json().result, living)
  }
)

t.test(
  'A long request waits for a refresh in progress if the tokens of another request have ' +
    'expired too.',
  async t => {
    const { app, clock, browser, open, go } = await openRequest(t, leAuth =>
      leAuth.getAccessToken()
    )
    const joined: unknown[] = []
    const onJoined = (message: unknown): void => {
      joined.push(message)
    }
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
    t.equal((await open).json().result, fresh)
    t.equal(app.calls('refresh'), 2)
  }
)

t.test(
  'The tokens of another process are enough for a request that needs a valid token, but not ' +
    'for refresh().',
  async t => {
    const handler = gate()
    const { one, other, clock, store, toOther } = await twoApps(
      t,
      {},
      {},
      {
        after: app =>
          app.get('/ask', { onRequest: app.requireAuth }, async ({ leAuth }) => {
            await handler.pass()
            await leAuth!.refresh()
            return { result: await leAuth!.getAccessToken() }
          })
      }
    )
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    const forced = browser.script(one.url('/ask'))
    await handler.reached()
    clock.advance(61 * MINUTE)
    const newer = (await there.script(other.url('/token'))).json().accessToken
    clock.advance(2 * MINUTE)
    const reading = gate()
    store.trouble = ({ operation, kind }) =>
      operation === 'get' && kind === 'token set' ? { heldUntil: reading.pass() } : undefined
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
    t.match((await forced).json().result, /^[0-9a-f]{64}$/)
    t.not((await forced).json().result, newer)
    t.equal(one.calls('refresh'), 2)
  }
)

t.test(
  'A request that has logged the user out cannot get a token, refresh or log out again.',
  async t => {
    for (const method of ['getAccessToken', 'refresh', 'logout'] as const) {
      const { app, browser } = await loggedInWith(t, async request => {
        const { leAuth } = request
        await leAuth!.logout()
        await leAuth![method]()
      })
      t.equal(errorCode(await browser.script(app.url('/ask'))), 'LE_AUTH_LOGIN_REQUIRED', method)
      t.equal(app.calls('refresh'), 0)
    }
  }
)

t.test(
  'A token record that could not be decrypted is read again if it was rewritten meanwhile.',
  async t => {
    let restore = (): void => {}
    const { one, other, store, toOther } = await twoApps(
      t,
      {},
      {},
      {
        after: app =>
          app.get(
            '/ask',
            { onRequest: [async () => restore(), app.requireAuth] },
            async ({ leAuth }) => leAuth!.getAccessToken()
          )
      }
    )
    const browser = one.browser()
    await logIn(one, browser)
    const [id] = store.tokenSets as [string]
    const whole = store.records.get(id)!
    store.rewrite(id, record => ({ ...record, leAuth: 'x.y.z' }))
    restore = () => store.records.set(id, whole)
    t.match((await (await toOther(browser)).script(other.url('/ask'))).text, /^[0-9a-f]{64}$/)
    t.equal(one.calls('refresh'), 0)
  }
)

for (const [what, spoil] of [
  [
    'cannot be decrypted',
    (store, id) => store.rewrite(id, record => ({ ...record, leAuth: 'x.y.z' }))
  ],
  ['are gone', (store, id) => store.records.delete(id)]
] satisfies Array<[string, (store: TestStore, id: string) => unknown]>) {
  t.test(`Tokens that ${what} end the login in all processes.`, async t => {
    const { one, other, store, toOther } = await twoApps(t)
    const browser = one.browser()
    await logIn(one, browser)
    spoil(store, store.tokenSets[0]!)
    t.equal((await (await toOther(browser)).script(other.url('/me'))).status, 401)
    // The ended login is removed after the response.
    await until(() => store.pending === 0)
    t.same([store.logins, store.tokenSets], [[], []])
    t.equal((await browser.script(one.url('/me'))).status, 401, 'in the process of the login, too')
  })
}

for (const [what, work, expected] of [
  [
    'getAccessToken with minLifetime',
    request => request.leAuth!.getAccessToken({ minLifetime: 59 * MINUTE }),
    '200 undefined'
  ],
  ['refresh()', request => request.leAuth!.refresh(), '503 LE_AUTH_REFRESH_UNAVAILABLE'],
  [
    'a refused call',
    request =>
      request
        .leAuth!.fetch('accountConfigReadOnly', '/api/account/{accountId}/unknown')
        .then(({ status }) => status),
    '200 undefined'
  ]
] satisfies Array<[string, (request: FastifyRequest) => Promise<unknown>, string]>) {
  t.test(
    'A login with neither a refresh token nor a known end lasts, even after ' + `${what}.`,
    async t => {
      const app = await startApp(t, {
        emulator: { behaviour: { expiresIn: 'absent' } },
        after: app =>
          app.get('/ask', { onRequest: app.requireAuth }, async request => ({
            result: await work(request)
          }))
      })
      app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...response }) => response })
      const browser = app.browser()
      await logIn(app, browser)
      app.sentinel.always('users', { status: 401 })
      const response = await browser.script(app.url('/ask'))
      t.equal(`${response.status} ${errorCode(response)}`, expected)
      t.equal((await browser.script(app.url('/me'))).status, 200)
      t.equal(app.calls('refresh'), 0)
    }
  )

  t.test(
    'A login that has no refresh token lasts as long as its access token, even after ' + `${what}.`,
    async t => {
      const clock = new Clock()
      const app = await startApp(t, {
        options: { now: clock.now },
        emulator: { now: clock.now },
        after: app =>
          app.get('/ask', { onRequest: app.requireAuth }, async request => ({
            result: await work(request)
          }))
      })
      app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...response }) => response })
      const browser = app.browser()
      await logIn(app, browser)
      clock.advance(5 * MINUTE)
      app.sentinel.always('users', { status: 401 })
      const response = await browser.script(app.url('/ask'))
      t.equal(`${response.status} ${errorCode(response)}`, expected)
      clock.advance(50 * MINUTE)
      t.equal((await browser.script(app.url('/me'))).status, 200)
      clock.advance(6 * MINUTE)
      t.equal((await browser.script(app.url('/me'))).status, 401)
      t.equal(app.calls('refresh'), 0)
    }
  )
}
