import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { requireAuth } from '../../lib/index.ts'
import { MINUTE } from '../support/clock.ts'
import { accessToken, loggedIn } from '../support/logged-in.ts'
import { logOut } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { gate, hold } from '../support/wait.ts'

const FROZEN = { backgroundWork: false }
const STARTED = 'fastify-le-auth:refresh:started'

t.test('A request waits for a refresh that is due, and uses the new token.', async t => {
  const store = new TestStore()
  const shifted = await loggedIn(t, {}, { ...FROZEN, store })
  const before = await accessToken(shifted)
  shifted.clock.advance(30 * MINUTE)
  t.not(await accessToken(shifted), before)
  t.equal(shifted.app.calls('refresh'), 1)
  t.equal(store.pending, 0, 'everything is stored')
})

t.test('If a refresh that is due fails, the request goes on with the present token.', async t => {
  const shifted = await loggedIn(t, {}, FROZEN)
  const before = await accessToken(shifted)
  shifted.clock.advance(30 * MINUTE)
  shifted.app.sentinel.always('refresh', { status: 503 })
  t.equal(await accessToken(shifted), before)
  t.equal(await accessToken(shifted), before)
  t.equal(shifted.app.calls('refresh'), 1, 'the second request does not try again at once')
})

t.test('If a refresh that is due ends the login, the request is that of a visitor.', async t => {
  const { app, browser, clock } = await loggedIn(t, {}, FROZEN)
  clock.advance(30 * MINUTE)
  app.sentinel.expireRefreshTokens()
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('A second request does not wait for the refresh of the first one.', async t => {
  const shifted = await loggedIn(t, {}, FROZEN)
  const before = await accessToken(shifted)
  shifted.clock.advance(30 * MINUTE)
  const held = hold(shifted.app.sentinel, 'refresh')
  const first = accessToken(shifted)
  await held.ready()
  t.equal(await accessToken(shifted), before)
  held.release()
  t.not(await first, before)
})

t.test('A request waits until its activity is stored, and goes on if that fails.', async t => {
  const store = new TestStore()
  const { app, browser, clock } = await loggedIn(t, {}, { ...FROZEN, store })
  const { pass, reached, open } = gate()
  store.trouble = ({ kind }) => (kind === 'activity' ? { heldUntil: pass() } : undefined)
  clock.advance(6 * MINUTE)
  let hasResponse = false
  const response = browser.script(app.url('/me')).finally(() => {
    hasResponse = true
  })
  await reached()
  // Another request makes its whole way meanwhile.
  t.equal((await app.browser().script(app.url('/'))).status, 200)
  t.equal(hasResponse, false)
  open()
  t.equal((await response).status, 200)
  store.trouble = ({ kind }) => (kind === 'activity' ? 'error' : undefined)
  clock.advance(6 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
})

t.test("The plugin's own routes begin no refresh, behind a guard of the whole app.", async t => {
  const { app, browser, clock } = await loggedIn(t, {}, FROZEN, {
    before: server => server.addHook('preHandler', requireAuth)
  })
  let begun = 0
  const count = (): number => (begun += 1)
  subscribe(STARTED, count)
  t.teardown(() => unsubscribe(STARTED, count))
  clock.advance(30 * MINUTE)
  t.equal((await logOut(app, browser)).status, 303)
  t.equal(begun, 0)
})
