import t from 'tap'
import { errorCode } from '../support/app.js'
import { HOUR, MINUTE } from '../support/clock.js'
import { loggedIn, until } from '../support/shifted.js'
import { isTokenWrite, TestStore } from '../support/stores.js'

t.test('tokens that the store did not take are stored by the next request; Sentinel would not give them twice', async t => {
  for (const trouble of ['error', 'throw'] as const) {
    const store = new TestStore()
    const { app, clock, browser } = await loggedIn(t, {}, { session: { store } })
    clock.advance(61 * MINUTE)
    store.trouble = call => isTokenWrite(call) ? trouble : undefined
    for (let i = 0; i < 3; i += 1) {
      const answer = await browser.script(app.url('/me'))
      t.equal(`${answer.status} ${errorCode(answer)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
    }
    store.trouble = () => undefined
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal(app.calls('refresh'), 1)
    clock.advance(61 * MINUTE)
    t.equal((await browser.script(app.url('/users'))).json().status, 200, 'and the one after that works')
  }
})

t.test('behind a request the failure is told in the log alone', async t => {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(t, {}, { session: { store } })
  clock.advance(31 * MINUTE)
  store.trouble = call => isTokenWrite(call) ? 'error' : undefined
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  await until(() => app.events().some(event => event.event === 'refresh_failed' && event.code === 'LE_AUTH_STORE_UNAVAILABLE'))
  store.trouble = () => undefined
  const before = store.records.get(store.tokenSets[0]!)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  await until(() => store.records.get(store.tokenSets[0]!) !== before)
  t.equal(app.calls('refresh'), 1)
})

t.test('a store that loses the write of new tokens costs the login at the next refresh, and never half of it', async t => {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(t, {}, { session: { store, idleLifetime: 8 * HOUR } })
  clock.advance(61 * MINUTE)
  store.trouble = call => isTokenWrite(call) ? 'lost' : undefined
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  store.trouble = () => undefined
  t.equal((await browser.script(app.url('/users'))).json().status, 200, 'this process knows the new ones')
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.same([store.logins, store.tokenSets], [[], []])
  t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
})
