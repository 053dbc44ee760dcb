import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { loggedIn } from '../support/logged-in.ts'
import { logIn } from '../support/login.ts'
import { TestStore, type StoreCall } from '../support/stores.ts'
import { hold, until } from '../support/wait.ts'

async function appWithClock(
  t: Test,
  lifetimesOfLogins: object = {}
): Promise<{ app: TestApp; clock: Clock }> {
  const clock = new Clock()
  const lifetimes = { accessToken: 24 * HOUR, refreshToken: 24 * HOUR }
  return {
    clock,
    app: await startApp(t, {
      options: { now: clock.now, ...lifetimesOfLogins },
      emulator: { now: clock.now, lifetimes }
    })
  }
}

t.test('An hour without a request ends the login.', async t => {
  const { app, clock } = await appWithClock(t)
  const browser = app.browser()
  await logIn(app, browser)
  clock.advance(59 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(59 * MINUTE)
  t.equal(
    (await browser.script(app.url('/me'))).status,
    200,
    'the earlier request has moved the end'
  )
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('Eight hours end the login, however active the user is.', async t => {
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

t.test(
  'The idle and the absolute lifetime can be set, and a login that has ended does not come ' +
    'back.',
  async t => {
    const clock = new Clock()
    const store = new TestStore()
    const app = await startApp(t, {
      options: { now: clock.now, store, idleLifetime: 10 * MINUTE, absoluteLifetime: 20 * MINUTE },
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
  }
)

t.test(
  'The plugin itself enforces the idle and the absolute lifetime, whatever the store forgets.',
  async t => {
    for (const lifetime of ['idleLifetime', 'absoluteLifetime']) {
      const { app, clock } = await appWithClock(t, {
        store: new TestStore(),
        [lifetime]: 10 * MINUTE
      })
      const browser = app.browser()
      await logIn(app, browser)
      clock.advance(9 * MINUTE)
      const forgetful = await browser.copy()
      t.equal((await browser.script(app.url('/me'))).status, 200)
      clock.advance(2 * MINUTE)
      t.equal(
        (await browser.script(app.url('/me'))).status,
        lifetime === 'idleLifetime' ? 200 : 401
      )
      clock.advance(11 * MINUTE)
      t.equal((await forgetful.script(app.url('/me'))).status, 401, lifetime)
    }
  }
)

t.test('A refresh in progress at the absolute end of a login brings nothing back.', async t => {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(
    t,
    { lifetimes: { refreshToken: 24 * HOUR } },
    { store }
  )
  clock.advance(8 * HOUR - 10 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  const late = browser.script(app.url('/me'))
  await held.ready()
  clock.advance(11 * MINUTE)
  held.release()
  t.equal((await late).status, 401)
  t.equal((await browser.script(app.url('/me'))).status, 401)
  // Expired records are removed after the response.
  await until(() => store.logins.length + store.tokenSets.length === 0)
})

t.test('Activity that the store failed to note is noted by the next request.', async t => {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(t, {}, { store })
  const isNote = ({ operation, kind }: StoreCall): boolean =>
    operation === 'set' && kind === 'activity'
  const notes = (): number => store.calls.filter(isNote).length
  clock.advance(6 * MINUTE)
  store.trouble = call => (isNote(call) ? 'error' : undefined)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  await until(() => notes() === 1 && store.pending === 0)
  store.trouble = () => undefined
  t.equal((await browser.script(app.url('/me'))).status, 200)
  await until(() => notes() === 2)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.equal(notes(), 2, 'once it is noted, it is not noted again for minutes')
})
