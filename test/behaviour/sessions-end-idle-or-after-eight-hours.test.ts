import t, { type Test } from 'tap'
import { logIn, startApp, type TestApp } from '../support/app.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { hold } from '../support/hold.js'
import { loggedIn, until } from '../support/shifted.js'
import { TestStore } from '../support/stores.js'

async function appWithClock (t: Test, session: object = {}): Promise<{ app: TestApp, clock: Clock }> {
  const clock = new Clock()
  const lifetimes = { accessToken: 24 * HOUR, refreshToken: 24 * HOUR }
  return { clock, app: await startApp(t, { options: { now: clock.now, session }, emulator: { now: clock.now, lifetimes } }) }
}

t.test('an hour without a request ends the login', async t => {
  const { app, clock } = await appWithClock(t)
  const browser = app.browser()
  await logIn(app, browser)
  clock.advance(59 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(59 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200, 'the request before has moved the end')
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('eight hours end it, however active the user is', async t => {
  const { app, clock } = await appWithClock(t)
  const browser = app.browser()
  await logIn(app, browser)
  for (let minutes = 30; minutes < 8 * 60; minutes += 30) {
    clock.advance(30 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 200, `${minutes} minutes`)
  }
  clock.advance(30 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
})

t.test('both can be set, and an ended login does not come back', async t => {
  const clock = new Clock()
  const store = new TestStore()
  const app = await startApp(t, {
    options: { now: clock.now, session: { store, idleLifetime: 10 * MINUTE, absoluteLifetime: 20 * MINUTE } },
    emulator: { now: clock.now }
  })
  const browser = app.browser()
  await logIn(app, browser)
  clock.advance(9 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(9 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(3 * MINUTE)
  for (let i = 0; i < 3; i += 1) t.equal((await browser.script(app.url('/me'))).status, 401)
  await until(() => store.logins.length + store.tokenSets.length === 0)
})

t.test('the plugin keeps both by itself, whatever the store forgets', async t => {
  for (const lifetime of ['idleLifetime', 'absoluteLifetime']) {
    const { app, clock } = await appWithClock(t, { store: new TestStore(), [lifetime]: 10 * MINUTE })
    const browser = app.browser()
    await logIn(app, browser)
    clock.advance(9 * MINUTE)
    const forgetful = await browser.copy()
    t.equal((await browser.script(app.url('/me'))).status, 200)
    clock.advance(2 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, lifetime === 'idleLifetime' ? 200 : 401)
    clock.advance(11 * MINUTE)
    t.equal((await forgetful.script(app.url('/me'))).status, 401, lifetime)
  }
})

t.test('and a refresh that is under way by then brings nothing back', async t => {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(t, { lifetimes: { refreshToken: 24 * HOUR } }, { session: { store } })
  clock.advance(8 * HOUR - 10 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  const late = browser.script(app.url('/me'))
  await held.ready()
  clock.advance(11 * MINUTE)
  held.release()
  t.equal((await late).status, 401)
  t.equal((await browser.script(app.url('/me'))).status, 401)
  // What time has ended is removed behind the response.
  await until(() => store.logins.length + store.tokenSets.length === 0)
})
