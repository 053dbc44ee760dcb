import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import type { RequestInit } from 'undici'
import { errorCode } from '../support/checks.ts'
import { MINUTE } from '../support/clock.ts'
import { loggedIn, type LoggedIn } from '../support/logged-in.ts'

const USERS = '/api/account/{accountId}/configuration/le-users/users'

/** A logged-in user of an app with a route that makes this call. */
async function caller(
  t: Test,
  call: () => [service: string, path: string, init?: RequestInit] = () => [
    'accountConfigReadOnly',
    USERS
  ]
): Promise<LoggedIn> {
  return loggedIn(
    t,
    {},
    {},
    {
      after: app =>
        app.get('/call', { onRequest: app.requireAuth }, async request => {
          const response = await request.leAuth!.fetch(...call())
          return { status: response.status, text: await response.text() }
        })
    }
  )
}

t.test(
  'A token that is refused before it should expire is refreshed, and the call is repeated.',
  async t => {
    const { app, clock, browser } = await caller(t)
    clock.advance(10 * MINUTE)
    app.sentinel.expireAccessTokens()
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => browser.script(app.url('/call')))
    )
    t.same(
      responses.map(response => response.json().status),
      Array(20).fill(200)
    )
    t.equal(app.calls('refresh'), 1)
    t.ok(app.calls('users') <= 40)
  }
)

t.test(
  'A refused call is repeated with the token that a background refresh has brought meanwhile.',
  async t => {
    const { app, clock, browser } = await caller(t)
    clock.advance(31 * MINUTE)
    app.sentinel.expireAccessTokens()
    app.sentinel.next('refresh', { delayMs: 200 })
    app.sentinel.next('users', { delayMs: 1000 })
    t.equal((await browser.script(app.url('/call'))).json().status, 200)
    t.equal(app.calls('refresh'), 1)
    t.equal(app.calls('users'), 2)
  }
)

t.test(
  'A refused call is repeated once; a second refusal is returned, and later calls do not ' +
    'each refresh.',
  async t => {
    const { app, clock, browser } = await caller(t)
    app.sentinel.always('users', { status: 401, body: '{"no":true}' })
    clock.advance(10 * MINUTE)
    for (let i = 0; i < 3; i += 1) {
      t.same((await browser.script(app.url('/call'))).json(), { status: 401, text: '{"no":true}' })
    }
    t.equal(app.calls('refresh'), 1)
    t.equal(app.calls('users'), 4)
    clock.advance(2 * MINUTE)
    await browser.script(app.url('/call'))
    t.equal(app.calls('refresh'), 2)
  }
)

t.test('A call is repeated only after a 401.', async t => {
  const { app, clock, browser } = await caller(t)
  clock.advance(10 * MINUTE)
  for (const status of [400, 403, 404, 429, 500, 503]) {
    app.sentinel.next('users', { status })
    t.equal((await browser.script(app.url('/call'))).json().status, status)
  }
  t.equal(app.calls('refresh'), 0)
  t.equal(app.calls('users'), 6)
})

const BODIES: Array<[name: string, body: () => RequestInit['body'], repeated: boolean]> = [
  ['text', () => 'a=1', true],
  ['bytes', () => new TextEncoder().encode('a=1'), true],
  ['parameters', () => new URLSearchParams('a=1'), true],
  [
    'form',
    () => {
      const form = new FormData()
      form.set('a', '1')
      return form as never
    },
    true
  ],
  ['node stream', () => Readable.from(['a=1']), false],
  ['web stream', () => new Blob(['a=1']).stream() as never, false],
  [
    'generator',
    () =>
      (async function* () {
        yield new TextEncoder().encode('a=1')
      })(),
    false
  ]
]

t.test(
  'A body that can be read twice is sent again; after a stream, only the next call has the ' +
    'new token.',
  async t => {
    for (const [name, body, repeated] of BODIES) {
      // Any address that takes a POST will do.
      const { app, clock, browser } = await caller(t, () => [
        'sentinel',
        '/sentinel/api/account/{accountId}/token',
        { method: 'POST', body: body() as never, duplex: 'half' }
      ])
      clock.advance(10 * MINUTE)
      app.sentinel.always('token', { status: 401 })
      const before = app.calls('token')
      t.equal((await browser.script(app.url('/call'))).json().status, 401, name)
      t.equal(app.calls('refresh'), 1)
      t.equal(app.calls('token') - before, repeated ? 2 : 1, name)
    }
  }
)

t.test(
  'A refused call with a stream as its body returns the refusal, even if the refresh fails.',
  async t => {
    const { app, clock, browser } = await caller(t, () => [
      'sentinel',
      '/sentinel/api/account/{accountId}/token',
      { method: 'POST', body: Readable.from(['a=1']), duplex: 'half' }
    ])
    clock.advance(10 * MINUTE)
    app.sentinel.always('token', { status: 401 })
    app.sentinel.next('refresh', { status: 503 })
    t.equal((await browser.script(app.url('/call'))).json().status, 401)
    t.equal(app.calls('refresh'), 1)
  }
)

t.test(
  'A refused call reports an ended login as ended, and an outage of Sentinel as an outage.',
  async t => {
    const { app, clock, browser } = await caller(t)
    clock.advance(10 * MINUTE)
    app.sentinel.expireAccessTokens()
    app.sentinel.next('refresh', { status: 503 })
    const outage = await browser.script(app.url('/call'))
    t.equal(`${outage.status} ${errorCode(outage)}`, '503 LE_AUTH_REFRESH_UNAVAILABLE')
    clock.advance(MINUTE)
    app.sentinel.expireRefreshTokens()
    const ended = await browser.script(app.url('/call'))
    t.equal(`${ended.status} ${errorCode(ended)}`, '401 LE_AUTH_LOGIN_REQUIRED')
    t.equal(errorCode(await browser.script(app.url('/call'))), 'LE_AUTH_LOGIN_REQUIRED')
  }
)
