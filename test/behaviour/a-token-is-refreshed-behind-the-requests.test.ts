import t, { type Test } from 'tap'
import type { LeAuthOptions } from '../../lib/index.js'
import { MemoryStore } from '../../lib/session/memory-store.js'
import { ADMIN, AGENT, logIn, startApp } from '../support/app.js'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.js'
import { CountingStore } from '../support/counting-store.js'
import { gate, hold } from '../support/hold.js'
import { accessToken, loggedIn, tokenAfter, until } from '../support/shifted.js'
import { TestStore } from '../support/stores.js'

t.test('LivePerson’s 30 minutes: the request goes on with the token there is, and the refresh runs behind it', async t => {
  const shifted = await loggedIn(t)
  const { app, clock, browser } = shifted
  const before = await accessToken(shifted)
  clock.advance(23 * MINUTE)
  t.equal(await accessToken(shifted), before)
  t.equal(app.calls('refresh'), 0)
  clock.advance(7 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  for (let i = 0; i < 5; i += 1) t.equal(await accessToken(shifted), before, 'nobody waits')
  await held.ready()
  held.release()
  await tokenAfter(shifted, before)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.equal(app.calls('refresh'), 1)
})

t.test('a shorter life: the margin ahead of its end', async t => {
  for (const [refreshMargin, from, to] of [[undefined, 4, 5], [2 * MINUTE, 6, 8], [0, 8, 10], [30 * MINUTE, 4, 5]] as const) {
    const due = await dueAfter(t, 10 * MINUTE, { refreshMargin })
    t.ok(due.every(minutes => minutes >= from && minutes <= to), `${refreshMargin}: ${due}`)
  }
})

t.test('those who logged in together do not refresh together', async t => {
  const due = await dueAfter(t, HOUR, {}, 60)
  t.ok(due.every(minutes => minutes >= 24 && minutes <= 30), String(due))
  t.ok(Math.max(...due) - Math.min(...due) > 3, 'spread over minutes')
})

/** After how many minutes the tokens of some logins are due, whose access tokens live for so many ms. */
async function dueAfter (t: Test, lifetime: number, options: LeAuthOptions, logins = 5): Promise<number[]> {
  const store = new CountingStore(new MemoryStore(10_000, Date.now))
  const { app } = await loggedIn(t, { lifetimes: { accessToken: lifetime } }, { ...options, session: { store } })
  for (let i = 1; i < logins; i += 1) await logIn(app, app.browser())
  const records = store.records().flatMap(record => record?.leAuthTokenSet as { refreshAt: number, expiresAt: number } | undefined ?? [])
  t.equal(records.length, logins)
  return records.map(({ refreshAt, expiresAt }) => (refreshAt - (expiresAt - lifetime)) / MINUTE)
}

t.test('only for users who are active, and on no page that asks for no login', async t => {
  const { app, clock, browser } = await loggedIn(t)
  clock.advance(40 * MINUTE)
  await new Promise(resolve => setTimeout(resolve, 100))
  t.equal((await browser.navigate(app.url('/'))).text, 'hello 3562186410')
  t.equal(app.calls('refresh'), 0)
})

t.test('a lifetime that was not told: refreshed after 30 minutes, alive until Sentinel says otherwise', async t => {
  const shifted = await loggedIn(t, { behaviour: { expiresIn: 'absent' }, lifetimes: { accessToken: 24 * HOUR } })
  const { app, clock, browser } = shifted
  t.equal((await browser.script(app.url('/token'))).json().expiresAt, null)
  clock.advance(23 * MINUTE)
  const before = await accessToken(shifted)
  t.equal(app.calls('refresh'), 0)
  clock.advance(8 * MINUTE)
  app.sentinel.next('refresh', { status: 503 })
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  await until(() => app.events().some(event => event.event === 'refresh_failed'))
  t.equal(await accessToken(shifted), before)
  t.equal(app.calls('refresh'), 1, 'not again at once')
  clock.advance(10 * SECOND)
  await tokenAfter(shifted, before)
  t.equal(app.calls('refresh'), 2)
})

t.test('without a refresh token the login lasts as long as its access token', async t => {
  for (const expiresIn of ['number', 'absent'] as const) {
    const { app, clock, browser } = await loggedIn(t, { behaviour: { expiresIn } })
    app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...answer }) => answer })
    await browser.navigate(app.url('/login'))
    clock.advance(40 * MINUTE)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    clock.advance(21 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, expiresIn === 'number' ? 401 : 200, expiresIn)
    t.equal(app.calls('refresh'), 0)
  }
})

t.test('closing the app waits for a refresh under way, so that no new token is lost', async t => {
  const store = new CountingStore(new MemoryStore(1000, Date.now))
  const { app, clock, browser } = await loggedIn(t, {}, { session: { store } })
  const sealed = (): unknown => (store.records().find(record => record?.leAuthTokenSet !== undefined)!.leAuthTokenSet as { sealed: string }).sealed
  const before = sealed()
  clock.advance(31 * MINUTE)
  app.sentinel.next('refresh', { delayMs: 300 })
  t.equal((await browser.script(app.url('/me'))).status, 200)
  await until(() => app.calls('refresh') === 1)
  await app.app.close()
  t.not(sealed(), before)
})

t.test('also for one that begins while it waits for another', async t => {
  const clock = new Clock()
  const store = new TestStore()
  const app = await startApp(t, { options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } }, emulator: { now: clock.now }, fastify: { forceCloseConnections: true } })
  const [first, second] = [app.browser(), app.browser()]
  await logIn(app, first, AGENT)
  await logIn(app, second, ADMIN)
  const sealed = (): string[] => store.tokenSets.map(id => JSON.parse(store.records.get(id)!).leAuthTokenSet.sealed)
  const before = sealed()
  clock.advance(61 * MINUTE)
  const firstHeld = hold(app.sentinel, 'refresh')
  const gone = [first.script(app.url('/me')).catch(() => {})]
  await firstHeld.ready()
  // The second request has come in before the app begins to close; its session takes a while.
  const loading = gate()
  store.trouble = ({ operation, kind }) => operation === 'get' && kind === 'session' ? { heldUntil: loading.pass() } : undefined
  gone.push(second.script(app.url('/me')).catch(() => {}))
  await loading.reached()
  const secondHeld = hold(app.sentinel, 'refresh')
  const closed = app.app.close()
  loading.open()
  await secondHeld.ready()
  firstHeld.release()
  await until(() => sealed().filter(text => !before.includes(text)).length === 1)
  secondHeld.release()
  await Promise.all([closed, ...gone])
  t.same(sealed().filter(text => before.includes(text)), [])
})
