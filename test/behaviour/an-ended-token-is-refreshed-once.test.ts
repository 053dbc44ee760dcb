import t from 'tap'
import { ADMIN, AGENT, errorCode, logIn, startApp, type Person, type TestApp } from '../support/app.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { hold } from '../support/hold.js'
import { loggedIn } from '../support/shifted.js'
import { HoldingStore, SlowStore } from '../support/slow-store.js'

t.test('when it has ended, one refresh serves all who wait', async t => {
  const { app, clock, browser } = await loggedIn(t)
  const before = (await browser.script(app.url('/token'))).json()
  clock.advance(61 * MINUTE)
  const answers = await Promise.all(Array.from({ length: 200 }, () => browser.script(app.url('/users'))))
  t.same(answers.map(answer => answer.json().status), Array(200).fill(200))
  t.equal(app.calls('refresh'), 1)
  const after = (await browser.script(app.url('/token'))).json()
  t.not(after.accessToken, before.accessToken)
  t.ok(new Date(after.expiresAt).getTime() > clock.now())
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/users'))).json().status, 200, 'and the next one works with what came')
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

t.test('RF6 a refresh answer without a refresh token, or with an empty one, keeps the present one', async t => {
  for (const value of [undefined, null, '']) {
    const { app, clock, browser } = await loggedIn(t, { behaviour: { rotateRefreshToken: false } })
    app.sentinel.always('refresh', { change: answer => ({ ...answer, refresh_token: value }) })
    for (let i = 1; i <= 2; i += 1) {
      clock.advance(61 * MINUTE)
      t.equal((await browser.script(app.url('/users'))).json().status, 200)
      t.equal(app.calls('refresh'), i)
    }
  }
})

t.test('without a refresh token the login ends with its access token', async t => {
  const clock = new Clock()
  const app = await startApp(t, { options: { now: clock.now, session: { idleLifetime: 8 * HOUR } }, emulator: { now: clock.now } })
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
  const held = hold(app.sentinel, 'refresh')
  const waiting = before.script(app.url('/me'))
  await held.ready()
  await browser.submit(app.url('/logout'), {})
  held.release()
  t.equal((await waiting).status, 401)
  t.equal((await before.script(app.url('/me'))).status, 401)
})

t.test('a refresh that meets a logout in a slow store does not bring the login back', async t => {
  const clock = new Clock()
  const store = new SlowStore(4, clock.now)
  t.teardown(() => store.close())
  const app = await startApp(t, { options: { now: clock.now, session: { idleLifetime: 8 * HOUR, store } }, emulator: { now: clock.now } })
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

t.test('RF8 a token that ends as soon as it comes does not make each request refresh', async t => {
  for (const expiresIn of [0, 1]) {
    const { app, clock, browser } = await loggedIn(t)
    app.sentinel.always('refresh', { change: answer => ({ ...answer, expires_in: expiresIn }) })
    for (let i = 1; i <= 3; i += 1) {
      clock.advance(61 * MINUTE)
      for (let n = 0; n < 5; n += 1) t.equal((await browser.script(app.url('/users'))).json().status, 200)
      t.equal(app.calls('refresh'), i)
    }
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
  clock.advance(MINUTE)
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
  const app = await startApp(t, { options: { now: clock.now, session: { idleLifetime: 8 * HOUR, store } }, emulator: { now: clock.now } })
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
    options: { now: clock.now, session: { idleLifetime: 8 * HOUR } },
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
