import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { loggedIn } from '../support/logged-in.ts'
import { ADMIN, AGENT, logIn, logOut, type Person } from '../support/login.ts'
import { type StoreCall, TestStore } from '../support/stores.ts'
import { gate, hold, until } from '../support/wait.ts'

t.test('If an access token has expired, one refresh serves all waiting requests.', async t => {
  const { app, clock, browser } = await loggedIn(t)
  const before = (await browser.script(app.url('/token'))).json()
  clock.advance(61 * MINUTE)
  const responses = await Promise.all(
    Array.from({ length: 200 }, () => browser.script(app.url('/users')))
  )
  t.same(
    responses.map(response => response.json().status),
    Array(200).fill(200)
  )
  t.equal(app.calls('refresh'), 1)
  const after = (await browser.script(app.url('/token'))).json()
  t.not(after.accessToken, before.accessToken)
  t.ok(new Date(after.expiresAt).getTime() > clock.now())
  clock.advance(61 * MINUTE)
  t.equal(
    (await browser.script(app.url('/users'))).json().status,
    200,
    'the next refresh works with the new refresh token'
  )
})

t.test('A rotated refresh token is kept, and so is one that does not rotate.', async t => {
  for (const rotateRefreshToken of [true, false]) {
    const { app, clock, browser } = await loggedIn(t, { behaviour: { rotateRefreshToken } })
    for (let i = 1; i <= 3; i += 1) {
      clock.advance(61 * MINUTE)
      t.equal((await browser.script(app.url('/users'))).json().status, 200)
      t.equal(app.calls('refresh'), i)
    }
    t.equal(
      (await browser.script(app.url('/me'))).json().id,
      AGENT.id,
      'the user is the one who logged in'
    )
  }
})

t.test(
  'RF6 The present refresh token is kept if a refresh response has none, or an empty one.',
  async t => {
    for (const value of [undefined, null, '']) {
      const { app, clock, browser } = await loggedIn(t, {
        behaviour: { rotateRefreshToken: false }
      })
      app.sentinel.always('refresh', {
        change: response => ({ ...response, refresh_token: value })
      })
      for (let i = 1; i <= 2; i += 1) {
        clock.advance(61 * MINUTE)
        t.equal((await browser.script(app.url('/users'))).json().status, 200)
        t.equal(app.calls('refresh'), i)
      }
    }
  }
)

t.test('A login that has no refresh token ends when its access token expires.', async t => {
  const clock = new Clock()
  const app = await startApp(t, {
    options: { now: clock.now, idleLifetime: 8 * HOUR },
    emulator: { now: clock.now }
  })
  app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...response }) => response })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('A refresh response that arrives after a logout logs nobody back in.', async t => {
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

t.test('A logout at any step of a refresh is final, and leaves no tokens.', async t => {
  let isInStep = true
  for (let step = 0; isInStep && step < 30; step += 1) isInStep = await logsOutAt(t, step)
  t.notOk(isInStep, 'all steps were tried')
})

/**
 * Holds one store call while the user logs out. Returns whether a request with a refresh makes that
 * many calls.
 */
async function logsOutAt(t: Test, step: number): Promise<boolean> {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(t, {}, { store })
  const before = await browser.copy()
  clock.advance(61 * MINUTE)
  const held = gate()
  const at = store.calls.length + step
  let call: StoreCall | undefined
  store.trouble = made => {
    if (made.index !== at) return undefined
    call = made
    return { heldUntil: held.pass() }
  }
  let status: number | undefined
  const refreshing = before.script(app.url('/me')).then(response => {
    status = response.status
  })
  await until(() => call !== undefined || status !== undefined)
  if (call === undefined) return false
  t.equal((await logOut(app, browser)).status, 303)
  held.open()
  await refreshing
  const what = `${call.operation} ${call.kind} (${step})`
  t.equal(status, 401, what)
  t.equal((await before.script(app.url('/token'))).status, 401, what)
  t.same([store.logins, store.tokenSets], [[], []], what)
  return true
}

t.test(
  'RF8 A token that is expired on arrival does not trigger a refresh on every request.',
  async t => {
    for (const expiresIn of [0, 1]) {
      const { app, clock, browser } = await loggedIn(t)
      app.sentinel.always('refresh', {
        change: response => ({ ...response, expires_in: expiresIn })
      })
      for (let i = 1; i <= 3; i += 1) {
        clock.advance(61 * MINUTE)
        for (let n = 0; n < 5; n += 1) {
          t.equal((await browser.script(app.url('/users'))).json().status, 200)
        }
        t.equal(app.calls('refresh'), i)
      }
    }
  }
)

t.test(
  'A refresh response with another user’s id_token is refused, and one with the same user’s ' +
    'is accepted.',
  async t => {
    const { app, clock, browser } = await loggedIn(t, {
      behaviour: { rotateRefreshToken: false, issuer: 'Sentinel' }
    })
    let idToken = ''
    app.sentinel.always('refresh', { change: response => ({ ...response, id_token: idToken }) })
    clock.advance(61 * MINUTE)
    idToken = await currentIdToken(app, ADMIN)
    const refused = await browser.script(app.url('/me'))
    t.equal(refused.status, 503)
    t.equal(errorCode(refused), 'LE_AUTH_REFRESH_UNAVAILABLE')
    clock.advance(MINUTE)
    idToken = await currentIdToken(app, AGENT)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  }
)

/** An id_token that the emulator signs for a user now. */
async function currentIdToken(app: TestApp, person: Person): Promise<string> {
  let idToken = ''
  app.sentinel.next('token', {
    change: response => {
      idToken = response.id_token
      return response
    }
  })
  await logIn(app, app.browser(), person)
  return idToken
}

t.test(
  'A request that reaches its guard late uses the tokens that another request refreshed, or ' +
    'sees the logout.',
  async t => {
    const clock = new Clock()
    let guard = gate()
    const app = await startApp(t, {
      options: { now: clock.now, idleLifetime: 8 * HOUR },
      emulator: { now: clock.now },
      after: app =>
        app.get(
          '/late',
          { preHandler: [() => guard.pass(), app.requireAuth] },
          async () => 'let in'
        )
    })
    const browser = app.browser()
    await logIn(app, browser)
    const before = await browser.copy()
    clock.advance(61 * MINUTE)
    const first = before.script(app.url('/late'))
    await guard.reached()
    await browser.script(app.url('/me'))
    guard.open()
    t.equal((await first).text, 'let in')
    t.equal(app.calls('refresh'), 1)

    guard = gate()
    clock.advance(61 * MINUTE)
    const second = before.script(app.url('/late'))
    await guard.reached()
    await browser.submit(app.url('/logout'), {})
    guard.open()
    t.equal((await second).status, 401)
    t.equal(app.calls('refresh'), 1)
  }
)
