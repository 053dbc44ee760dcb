import t from 'tap'
import { callsOf } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { HOUR, MINUTE } from '../support/clock.ts'
import { loggedIn } from '../support/logged-in.ts'
import { logIn } from '../support/login.ts'
import { isTokenWrite, TestStore } from '../support/stores.ts'
import { twoApps } from '../support/two-apps.ts'
import { until } from '../support/wait.ts'

t.test(
  'Tokens that the store failed to save are saved by the next request, because Sentinel ' +
    'would not issue them twice.',
  async t => {
    for (const trouble of ['error', 'throw'] as const) {
      const store = new TestStore()
      const { app, clock, browser } = await loggedIn(t, {}, { store })
      clock.advance(61 * MINUTE)
      store.trouble = call => (isTokenWrite(call) ? trouble : undefined)
      for (let i = 0; i < 3; i += 1) {
        const response = await browser.script(app.url('/me'))
        t.equal(`${response.status} ${errorCode(response)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
      }
      store.trouble = () => undefined
      t.equal((await browser.script(app.url('/users'))).json().status, 200)
      t.equal(app.calls('refresh'), 1)
      clock.advance(61 * MINUTE)
      t.equal(
        (await browser.script(app.url('/users'))).json().status,
        200,
        'the next refresh works'
      )
    }
  }
)

t.test('A store failure during a background refresh is reported only in the log.', async t => {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(t, {}, { store })
  clock.advance(31 * MINUTE)
  store.trouble = call => (isTokenWrite(call) ? 'error' : undefined)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  await until(() =>
    app
      .events()
      .some(event => event.event === 'refresh_failed' && event.code === 'LE_AUTH_STORE_UNAVAILABLE')
  )
  store.trouble = () => undefined
  const before = store.records.get(store.tokenSets[0]!)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  await until(() => store.records.get(store.tokenSets[0]!) !== before)
  t.equal(app.calls('refresh'), 1)
})

t.test(
  'If the store loses a write of new tokens, the whole login ends at the next refresh.',
  async t => {
    const store = new TestStore()
    const { app, clock, browser } = await loggedIn(t, {}, { store, idleLifetime: 8 * HOUR })
    clock.advance(61 * MINUTE)
    store.trouble = call => (isTokenWrite(call) ? 'lost' : undefined)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    store.trouble = () => undefined
    t.equal(
      (await browser.script(app.url('/users'))).json().status,
      200,
      'this process knows the new tokens'
    )
    clock.advance(61 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.same([store.logins, store.tokenSets], [[], []])
    t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
  }
)

t.test('Unsaved tokens never replace those that another process has got since.', async t => {
  const { one, other, store, clock, sentinel, toOther } = await twoApps(t)
  const browser = one.browser()
  await logIn(one, browser)
  const atOther = await toOther(browser)
  const refreshes = (): number => callsOf(sentinel, 'refresh')

  clock.advance(61 * MINUTE)
  store.trouble = call => (isTokenWrite(call) ? 'error after effect' : undefined)
  t.equal((await browser.script(one.url('/me'))).status, 503, 'the first process keeps its tokens')
  store.trouble = () => undefined
  t.equal(refreshes(), 1)

  clock.advance(61 * MINUTE)
  t.equal((await atOther.script(other.url('/me'))).status, 200, 'another process goes on from them')
  t.equal(refreshes(), 2)

  clock.advance(61 * MINUTE)
  t.equal((await browser.script(one.url('/me'))).status, 200)
  t.equal(refreshes(), 3, 'the first process goes on from the newest tokens')

  clock.advance(61 * MINUTE)
  t.equal((await atOther.script(other.url('/me'))).status, 200, 'the login goes on')
})
