import t from 'tap'
import type { Fault } from '../../lib/emulator/index.ts'
import { startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, HOUR, MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.ts'
import { accessToken, loggedIn, tokenAfter } from '../support/logged-in.ts'
import { logIn } from '../support/login.ts'
import { twoApps } from '../support/two-apps.ts'
import { until } from '../support/wait.ts'

const FAULTS: Fault[] = [
  { status: 500 },
  { status: 503, body: '<html>' },
  { status: 429 },
  { status: 200, body: '<html>' },
  { status: 200, body: '{"access_token":' },
  { status: 403, body: '<html>' },
  { status: 302, headers: { location: 'https://evil.example/' } },
  { cutOff: 'unprocessed' },
  { hang: true },
  { change: response => ({ ...response, token_type: 'mac' }) },
  { change: response => ({ ...response, access_token: 'a\r\nb' }) }
]

t.test(
  'RF4 During an outage a valid token is used, an expired one gives 503 with its own code, ' +
    'and the next try works.',
  async t => {
    for (const fault of FAULTS) {
      const shifted = await loggedIn(
        t,
        { behaviour: { rotateRefreshToken: false } },
        { httpTimeout: SHORT_DEADLINE }
      )
      const { app, clock, browser } = shifted
      const before = await accessToken(shifted)
      app.sentinel.always('refresh', fault)
      clock.advance(31 * MINUTE)
      t.equal(await accessToken(shifted), before, JSON.stringify(fault))
      await until(() => app.events().some(event => event.event === 'refresh_failed'))
      t.equal((await browser.script(app.url('/users'))).json().status, 200)
      clock.advance(30 * MINUTE)
      const response = await browser.script(app.url('/me'))
      t.equal(`${response.status} ${errorCode(response)}`, '503 LE_AUTH_REFRESH_UNAVAILABLE')
      app.sentinel.always('refresh', null)
      clock.advance(MINUTE)
      t.equal((await browser.script(app.url('/users'))).json().status, 200)
      t.match(
        app.events().find(event => event.event === 'refresh_failed'),
        { accountId: '12345678', userId: '3562186410', code: 'LE_AUTH_REFRESH_UNAVAILABLE' }
      )
    }
  }
)

t.test(
  'A failed refresh is retried after 5, 10 and 15 seconds, then after minutes, once for all ' +
    'requests of the login.',
  async t => {
    const { app, clock, browser } = await loggedIn(t)
    app.sentinel.always('refresh', { status: 500 })
    clock.advance(61 * MINUTE)
    let calls = 0
    for (const pause of [5, 10, 15, 60, 120, 300, 300].map(seconds => seconds * SECOND)) {
      const responses = await Promise.all(
        Array.from({ length: 10 }, () => browser.script(app.url('/me')))
      )
      t.same(
        responses.map(response => errorCode(response)),
        Array(10).fill('LE_AUTH_REFRESH_UNAVAILABLE')
      )
      t.equal(app.calls('refresh'), (calls += 1))
      clock.advance(pause - SECOND)
      t.equal((await browser.script(app.url('/me'))).status, 503)
      t.equal(app.calls('refresh'), calls, `not within ${pause} ms`)
      clock.advance(0.2 * pause + SECOND)
    }
    app.sentinel.always('refresh', null)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    app.sentinel.always('refresh', { status: 500 })
    clock.advance(61 * MINUTE)
    await browser.script(app.url('/me'))
    clock.advance(7 * SECOND)
    await browser.script(app.url('/me'))
    t.equal(
      app.calls('refresh'),
      calls + 3,
      'after a success the pauses start again at the shortest'
    )
  }
)

t.test('Retry-After is respected within limits.', async t => {
  const cases: Array<[value: (now: number) => string, least: number, most: number]> = [
    [() => '30', 29, 31],
    [() => '0', 0.5, 2],
    [() => '86400', 299, 301],
    [() => 'soon', 4, 7],
    [() => '-5', 0.5, 7],
    [now => new Date(now + 60 * SECOND).toUTCString(), 57, 62]
  ]
  for (const [value, least, most] of cases) {
    const { app, clock, browser } = await loggedIn(t)
    clock.advance(61 * MINUTE)
    const header = value(clock.now())
    app.sentinel.next('refresh', { status: 429, headers: { 'retry-after': header } })
    t.equal((await browser.script(app.url('/me'))).status, 503)
    clock.advance(least * SECOND - 500)
    t.equal((await browser.script(app.url('/me'))).status, 503, `${header}: not before`)
    clock.advance((most - least) * SECOND + 500)
    t.equal((await browser.script(app.url('/me'))).status, 200, `${header}: after that`)
  }
})

t.test(
  'Ten minutes of outage log out no user whose token is valid, and all users are back after ' +
    'it.',
  async t => {
    const clock = new Clock()
    const app = await startApp(t, {
      options: { now: clock.now, idleLifetime: 8 * HOUR },
      emulator: { now: clock.now }
    })
    const browsers = []
    for (let i = 0; i < 12; i += 1) {
      const browser = app.browser()
      await logIn(app, browser)
      browsers.push(browser)
      clock.advance(5 * MINUTE)
    }
    app.sentinel.always('refresh', { status: 503 })
    for (let minute = 0; minute < 10; minute += 1) {
      for (const browser of browsers) {
        const { status } = await browser.script(app.url('/me'))
        t.ok(status === 200 || status === 503, String(status))
      }
      clock.advance(MINUTE)
    }
    app.sentinel.always('refresh', null)
    clock.advance(6 * MINUTE)
    const responses = await Promise.all(browsers.map(browser => browser.script(app.url('/users'))))
    t.same(
      responses.map(response => response.json().status),
      Array(12).fill(200)
    )
  }
)

t.test('A failing Domain API logs nobody out: its last good response is used.', async t => {
  const shifted = await loggedIn(t)
  const { app, clock, browser } = shifted
  clock.advance(61 * MINUTE)
  app.sentinel.next('domain', { status: 500 })
  t.equal((await browser.script(app.url('/me'))).status, 200, 'the last good response is used')
  await tokenAfter(shifted, '')
})

t.test(
  'A failing Domain API is an outage to a process that has no earlier response from it.',
  async t => {
    const { one, other, sentinel, clock, toOther } = await twoApps(t)
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    sentinel.always('domain', { status: 500 })
    clock.advance(61 * MINUTE)
    const response = await there.script(other.url('/me'))
    t.equal(`${response.status} ${errorCode(response)}`, '503 LE_AUTH_REFRESH_UNAVAILABLE')
    t.match(other.events().at(-1), {
      event: 'refresh_failed',
      reason: 'LE_AUTH_DOMAIN_API_UNAVAILABLE'
    })
    sentinel.always('domain', null)
    clock.advance(7 * SECOND)
    t.equal((await there.script(other.url('/users'))).json().status, 200)
    t.equal(one.calls('refresh'), 1)
  }
)
