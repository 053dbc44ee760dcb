import t from 'tap'
import { errorCode } from '../support/checks.ts'
import { HOUR, MINUTE } from '../support/clock.ts'
import { loggedIn } from '../support/logged-in.ts'
import { isTokenWrite, TestStore } from '../support/stores.ts'
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
