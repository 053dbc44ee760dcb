import t, { type Test } from 'tap'
import type { StartSentinelEmulatorOptions } from '../../lib/emulator/index.js'
import type { LeAuthOptions } from '../../lib/index.js'
import { ADMIN, AGENT, errorCode, logIn, startApp, type Person, type TestApp } from '../support/app.js'
import type { Browser } from '../support/browser.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { HoldingStore, SlowStore } from '../support/slow-store.js'

const LONG = { idleLifetime: 8 * HOUR }

async function loggedIn (t: Test, emulator: StartSentinelEmulatorOptions = {}, options: LeAuthOptions = {}): Promise<{ app: TestApp, clock: Clock, browser: Browser }> {
  const clock = new Clock()
  const app = await startApp(t, { options: { now: clock.now, session: LONG, ...options }, emulator: { now: clock.now, ...emulator } })
  const browser = app.browser()
  await logIn(app, browser)
  return { app, clock, browser }
}

t.test('while it lives, nothing is refreshed; when it has ended, one refresh serves all who wait', async t => {
  const { app, clock, browser } = await loggedIn(t)
  const before = (await browser.script(app.url('/token'))).json()
  clock.advance(59 * MINUTE)
  await browser.script(app.url('/me'))
  t.equal(app.calls('refresh'), 0)
  clock.advance(2 * MINUTE)
  const answers = await Promise.all(Array.from({ length: 20 }, () => browser.script(app.url('/users'))))
  t.same(answers.map(answer => answer.json().status), Array(20).fill(200))
  t.equal(app.calls('refresh'), 1)
  const after = (await browser.script(app.url('/token'))).json()
  t.not(after.accessToken, before.accessToken)
  t.ok(new Date(after.expiresAt).getTime() > clock.now())
})

t.test('a rotated refresh token is kept, and so is one that does not rotate', async t => {
  for (const rotateRefreshToken of [true, false]) {
    const { app, clock, browser } = await loggedIn(t, { behaviour: { rotateRefreshToken } })
    for (let i = 1; i <= 3; i += 1) {
      clock.advance(61 * MINUTE)
      t.equal((await browser.script(app.url('/users'))).json().status, 200)
      t.equal(app.calls('refresh'), i)
    }
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id, 'the identity is that of the login')
  }
})

t.test('a refresh answer without a refresh token keeps the present one', async t => {
  const { app, clock, browser } = await loggedIn(t, { behaviour: { rotateRefreshToken: false } })
  app.sentinel.always('refresh', { change: ({ refresh_token: _dropped, ...answer }) => answer })
  for (let i = 1; i <= 2; i += 1) {
    clock.advance(61 * MINUTE)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
  }
})

t.test('invalid_grant ends the login cleanly, without asking again', async t => {
  const { app, clock, browser } = await loggedIn(t)
  app.sentinel.expireRefreshTokens()
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal(app.calls('refresh'), 1)
  t.match((await browser.step(app.url('/page/a'))).location, '/login?returnTo=')
  t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
  t.equal(app.calls('refresh'), 1)
  t.match(app.events().at(-1), { event: 'session_ended', userId: AGENT.id, reason: 'invalid_grant' })
})

t.test('an outage is no logout: 503 with its own code, and the next try works', async t => {
  const faults = [{ status: 500 }, { status: 503, body: '<html>' }, { status: 429 }, { status: 200, body: '<html>' }, { cutOff: 'unprocessed' } as const, { hang: true } as const]
  const { app, clock, browser } = await loggedIn(t, { behaviour: { rotateRefreshToken: false } }, { httpTimeout: 300 })
  for (const fault of faults) {
    clock.advance(61 * MINUTE)
    app.sentinel.next('refresh', fault)
    const answer = await browser.script(app.url('/me'))
    t.equal(answer.status, 503, JSON.stringify(fault))
    t.equal(errorCode(answer), 'LE_AUTH_REFRESH_UNAVAILABLE')
    t.equal((await browser.script(app.url('/me'))).status, 200)
  }
})

t.test('a lifetime that was not told: refreshed after 30 minutes, alive when that fails', async t => {
  const { app, clock, browser } = await loggedIn(t, { behaviour: { expiresIn: 'absent' } })
  t.equal((await browser.script(app.url('/token'))).json().expiresAt, null)
  clock.advance(29 * MINUTE)
  await browser.script(app.url('/me'))
  t.equal(app.calls('refresh'), 0)
  clock.advance(2 * MINUTE)
  app.sentinel.next('refresh', { status: 503 })
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.equal(app.calls('refresh'), 1, 'and one try for one request')
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.equal(app.calls('refresh'), 2)
})

t.test('without a refresh token the login ends with its access token', async t => {
  const clock = new Clock()
  const app = await startApp(t, { options: { now: clock.now, session: LONG }, emulator: { now: clock.now } })
  app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...answer }) => answer })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('a refresh that ends after a logout stores nothing', async t => {
  const { app, clock, browser } = await loggedIn(t)
  const before = await browser.copy()
  clock.advance(61 * MINUTE)
  app.sentinel.next('refresh', { delayMs: 200 })
  const waiting = before.script(app.url('/me'))
  while (app.calls('refresh') === 0) await new Promise(resolve => setTimeout(resolve, 5))
  await browser.submit(app.url('/logout'), {})
  t.equal((await waiting).status, 401)
  t.equal((await before.script(app.url('/me'))).status, 401)
})

t.test('a refresh that meets a logout in a slow store does not bring the login back', async t => {
  const clock = new Clock()
  const store = new SlowStore(4, clock.now)
  t.teardown(() => store.close())
  const app = await startApp(t, { options: { now: clock.now, session: { ...LONG, store } }, emulator: { now: clock.now } })
  const browser = app.browser()
  await logIn(app, browser)
  for (let delay = 0; delay < 40; delay += 4) {
    const before = await browser.copy()
    clock.advance(61 * MINUTE)
    const calls = app.calls('refresh')
    const refreshing = before.script(app.url('/me'))
    while (app.calls('refresh') === calls) await new Promise(resolve => setTimeout(resolve, 1))
    await new Promise(resolve => setTimeout(resolve, delay))
    await browser.submit(app.url('/logout'), {})
    await refreshing
    t.equal((await before.script(app.url('/token'))).status, 401, `logout ${delay} ms after the refresh was sent`)
    await browser.navigate(app.url('/login'))
  }
})

t.test('a token that has ended as soon as it comes is refreshed once for each request', async t => {
  const { app, browser } = await loggedIn(t)
  app.sentinel.expireAccessTokens()
  app.sentinel.always('refresh', { change: answer => ({ ...answer, expires_in: 0 }) })
  app.sentinel.next('token', { change: answer => ({ ...answer, expires_in: 0 }) })
  await browser.navigate(app.url('/login'))
  for (let i = 1; i <= 3; i += 1) {
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal(app.calls('refresh'), i)
  }
})

t.test('a refresh that brings another user’s id_token is refused, and one of the same user is taken', async t => {
  const { app, clock, browser } = await loggedIn(t, { behaviour: { rotateRefreshToken: false, issuer: 'Sentinel' } })
  let idToken = ''
  app.sentinel.always('refresh', { change: answer => ({ ...answer, id_token: idToken }) })
  clock.advance(61 * MINUTE)
  idToken = await currentIdToken(app, ADMIN)
  const refused = await browser.script(app.url('/me'))
  t.equal(refused.status, 503)
  t.equal(errorCode(refused), 'LE_AUTH_REFRESH_UNAVAILABLE')
  idToken = await currentIdToken(app, AGENT)
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
})

/** An id_token that the emulator signs for a user now. */
async function currentIdToken (app: TestApp, person: Person): Promise<string> {
  let idToken = ''
  app.sentinel.next('token', { change: answer => { idToken = answer.id_token; return answer } })
  await logIn(app, app.browser(), person)
  return idToken
}

t.test('a refreshed token set that is written while the user logs out is taken back', async t => {
  const clock = new Clock()
  const store = new HoldingStore(1000, clock.now)
  t.teardown(() => store.close())
  const app = await startApp(t, { options: { now: clock.now, session: { ...LONG, store } }, emulator: { now: clock.now } })
  const browser = app.browser()
  await logIn(app, browser)
  const before = await browser.copy()
  clock.advance(61 * MINUTE)
  store.hold()
  const refreshing = before.script(app.url('/me'))
  while (store.holds === 0) await new Promise(resolve => setTimeout(resolve, 5))
  await browser.submit(app.url('/logout'), {})
  store.release()
  t.equal((await refreshing).status, 401)
  t.equal((await before.script(app.url('/me'))).status, 401)
})

t.test('a request that comes to its guard late takes what another has refreshed, or sees the logout', async t => {
  const clock = new Clock()
  let release = (): void => {}
  let held = new Promise<void>(resolve => { release = resolve })
  const app = await startApp(t, {
    options: { now: clock.now, session: LONG },
    emulator: { now: clock.now },
    after: app => app.get('/late', { preHandler: [async () => { await held }, app.requireAuth] }, async () => 'let in')
  })
  const browser = app.browser()
  await logIn(app, browser)
  const before = await browser.copy()
  clock.advance(61 * MINUTE)
  const first = before.script(app.url('/late'))
  while (!app.logLines.some(line => line.includes('"/late"'))) await new Promise(resolve => setTimeout(resolve, 5))
  await browser.script(app.url('/me'))
  release()
  t.equal((await first).text, 'let in')
  t.equal(app.calls('refresh'), 1)

  held = new Promise<void>(resolve => { release = resolve })
  clock.advance(61 * MINUTE)
  app.logLines.length = 0
  const second = before.script(app.url('/late'))
  while (!app.logLines.some(line => line.includes('"/late"'))) await new Promise(resolve => setTimeout(resolve, 5))
  await browser.submit(app.url('/logout'), {})
  release()
  t.equal((await second).status, 401)
  t.equal(app.calls('refresh'), 1)
})
