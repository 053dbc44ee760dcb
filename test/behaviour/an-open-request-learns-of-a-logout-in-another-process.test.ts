import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { Authentication } from '../../lib/index.ts'
import { startApp } from '../support/app.ts'
import { Clock, HandTimers, HOUR, MINUTE } from '../support/clock.ts'
import { logIn, logOut } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { twoApps, type TwoApps } from '../support/two-apps.ts'
import { until } from '../support/wait.ts'

/** Keeps the `leAuth` of a request, as a handler of server-sent events does. */
function holding(held: Authentication[]): { after: (app: FastifyInstance) => void } {
  return {
    after: app => {
      app.get('/hold', { onRequest: app.requireAuth }, async ({ leAuth }) => {
        held.push(leAuth!)
        return 'held'
      })
    }
  }
}

/** A user who is logged in at one of two processes, with the signal of an open request there. */
async function open(
  t: Test
): Promise<
  TwoApps & { timers: HandTimers; signal: AbortSignal; logOutInOther: () => Promise<unknown> }
> {
  const held: Authentication[] = []
  const timers = new HandTimers(MINUTE)
  const apps = await twoApps(t, {}, { timers }, holding(held))
  const browser = apps.one.browser()
  await logIn(apps.one, browser)
  await browser.script(apps.one.url('/hold'))
  const there = await apps.toOther(browser)
  return {
    ...apps,
    timers,
    signal: held[0]!.signal,
    logOutInOther: () => logOut(apps.other, there)
  }
}

t.test(
  'The signal of an open request aborts within a minute of a logout in another process.',
  async t => {
    const { timers, signal, logOutInOther } = await open(t)
    timers.fire()
    await until(() => timers.pending === 1)
    t.notOk(signal.aborted, 'the login has not ended')
    await logOutInOther()
    timers.fire()
    await until(() => signal.aborted)
    t.equal(timers.pending, 0, 'no further check is scheduled')
  }
)

t.test(
  'A store that fails during a check does not abort the signal of an open request.',
  async t => {
    const { timers, signal, store, logOutInOther } = await open(t)
    await logOutInOther()
    store.trouble = () => 'error'
    timers.fire()
    await until(() => timers.pending === 1)
    t.notOk(signal.aborted)
    store.trouble = () => undefined
    timers.fire()
    await until(() => signal.aborted)
  }
)

t.test('A closed app no longer checks the logins of open requests.', async t => {
  const { one, timers, signal, store } = await open(t)
  await one.app.close()
  const before = store.calls.length
  timers.fire()
  await until(() => store.calls.length > before)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(timers.pending, 0)
  t.notOk(signal.aborted)
})

t.test('The signal of an open request aborts when the idle lifetime is over.', async t => {
  const held: Authentication[] = []
  const timers = new HandTimers(MINUTE)
  const clock = new Clock()
  const app = await startApp(t, {
    options: { now: clock.now, timers, idleLifetime: HOUR },
    emulator: { now: clock.now },
    ...holding(held)
  })
  const browser = app.browser()
  await logIn(app, browser)
  await browser.script(app.url('/hold'))
  const { signal } = held[0]!
  clock.advance(59 * MINUTE)
  timers.fire()
  t.notOk(signal.aborted)
  clock.advance(MINUTE)
  timers.fire()
  await until(() => signal.aborted)
})

t.test(
  'An open request whose login seems idle checks whether the user was active in another ' +
    'process.',
  async t => {
    const held: Authentication[] = []
    const { one, other, clock, toOther } = await twoApps(
      t,
      {},
      { store: new TestStore(), idleLifetime: HOUR },
      holding(held)
    )
    const browser = one.browser()
    await logIn(one, browser)
    await browser.script(one.url('/hold'))
    clock.advance(50 * MINUTE)
    t.equal((await (await toOther(browser)).script(other.url('/me'))).status, 200)
    clock.advance(20 * MINUTE)
    await t.resolves(held[0]!.getAccessToken(), 'the user was active 20 minutes ago')
    clock.advance(40 * MINUTE)
    await t.rejects(held[0]!.getAccessToken(), { code: 'LE_AUTH_LOGIN_REQUIRED' })
  }
)

t.test(
  'A refresh of a login that ended in another process sends nothing to Sentinel, even if ' +
    'its tokens are still stored.',
  async t => {
    const held: Authentication[] = []
    const { one, other, store, toOther } = await twoApps(t, {}, {}, holding(held))
    const browser = one.browser()
    await logIn(one, browser)
    await browser.script(one.url('/hold'))
    store.trouble = ({ operation, kind }) =>
      operation === 'destroy' && kind === 'token set' ? 'error' : undefined
    await logOut(other, await toOther(browser))
    store.trouble = () => undefined
    t.equal(store.tokenSets.length, 1)
    await t.rejects(held[0]!.refresh(), { code: 'LE_AUTH_LOGIN_REQUIRED' })
    t.equal(one.calls('refresh'), 0)
  }
)

t.test('The store in memory removes expired records within a minute.', async t => {
  const timers = new HandTimers(MINUTE)
  const clock = new Clock()
  let size = (): number => NaN
  const app = await startApp(t, {
    options: { now: clock.now, timers },
    emulator: { now: clock.now },
    after: app =>
      app.get('/size', async request => {
        size = () => (request.sessionStore as unknown as { size: number }).size
        request.session.set('note' as never, 'x' as never)
        return 'noted'
      })
  })
  const browser = app.browser()
  await logIn(app, browser)
  await browser.script(app.url('/size'))
  t.equal(size(), 2, 'a login and a session')
  clock.advance(9 * HOUR)
  t.equal(size(), 2)
  timers.fire()
  t.equal(size(), 0)
  await app.app.close()
  t.equal(timers.pending, 0)
})
