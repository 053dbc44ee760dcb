import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { startApp } from '../support/app.ts'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.ts'
import { accessToken, loggedIn, tokenAfter } from '../support/logged-in.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'
import { isTokenWrite, TestStore } from '../support/stores.ts'
import { gate, hold, until } from '../support/wait.ts'

const STARTED = 'fastify-le-auth:refresh:started'

t.test(
  'A token is refreshed in the background before LivePerson’s 30 minutes are over, and ' +
    'requests use the present token meanwhile.',
  async t => {
    const shifted = await loggedIn(t)
    const { app, clock, browser } = shifted
    const before = await accessToken(shifted)
    clock.advance(23 * MINUTE)
    t.equal(await accessToken(shifted), before)
    t.equal(app.calls('refresh'), 0)
    clock.advance(7 * MINUTE)
    const held = hold(app.sentinel, 'refresh')
    for (let i = 0; i < 5; i += 1) {
      t.equal(await accessToken(shifted), before, 'the request does not wait')
    }
    await held.ready()
    held.release()
    await tokenAfter(shifted, before)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal(app.calls('refresh'), 1)
  }
)

t.test(
  'A token with a shorter lifetime is refreshed before it expires, by the leeway.',
  async t => {
    for (const [refreshLeeway, from, to] of [
      [undefined, 4, 5],
      [2 * MINUTE, 7, 8],
      [0, 9, 10],
      [30 * MINUTE, 4, 5]
    ] as const) {
      const due = await dueAfter(t, {
        lifetime: 10 * MINUTE,
        users: 3,
        from,
        to,
        ...(refreshLeeway !== undefined && { refreshLeeway })
      })
      t.equal(due.length, 3, `${refreshLeeway}: ${due}`)
    }
  }
)

t.test(
  'Tokens are refreshed 24 to 27 minutes after they were issued, and not all at once for ' +
    'users who logged in together.',
  async t => {
    const due = await dueAfter(t, { lifetime: HOUR, users: 20, from: 24, to: 27 })
    t.equal(due.length, 20, String(due))
    t.ok(Math.max(...due) - Math.min(...due) > 1, `spread over minutes: ${due}`)
  }
)

interface Due {
  /** The lifetime of an access token, in ms. */
  lifetime: number
  users: number
  /** Tokens are due between these minutes. */
  from: number
  to: number
  refreshLeeway?: number
}

/**
 * The minutes after which requests of these users start a refresh. Each user sends requests until
 * their refresh has started.
 */
async function dueAfter(
  t: Test,
  { lifetime, users, from, to, ...options }: Due
): Promise<number[]> {
  const { app, clock, browser } = await loggedIn(
    t,
    { lifetimes: { accessToken: lifetime } },
    options
  )
  const waiting = new Set([browser])
  for (let i = 1; i < users; i += 1) {
    const other = app.browser()
    await logIn(app, other)
    waiting.add(other)
  }
  let started = 0
  const count = (): void => {
    started += 1
  }
  subscribe(STARTED, count)
  t.teardown(() => unsubscribe(STARTED, count))
  const due: number[] = []
  // The logins themselves took some seconds.
  clock.advance((from - 0.5) * MINUTE)
  for (let minutes = from - 0.5; minutes <= to && waiting.size > 0; minutes += 0.25) {
    for (const each of waiting) {
      const before = started
      await each.script(app.url('/me'))
      if (started === before) continue
      waiting.delete(each)
      due.push(minutes)
    }
    clock.advance(0.25 * MINUTE)
  }
  t.ok(
    due.every(minutes => minutes >= from - 0.25),
    String(due)
  )
  return due
}

t.test(
  'Tokens are refreshed only for active users, and never for a page that needs no login.',
  async t => {
    const { app, clock, browser } = await loggedIn(t)
    clock.advance(40 * MINUTE)
    t.equal((await browser.navigate(app.url('/'))).text, 'hello 3562186410')
    // By the end of this login, an earlier call to Sentinel would have arrived.
    await logIn(app, app.browser())
    t.equal(app.calls('refresh'), 0)
  }
)

t.test(
  'A token of unknown lifetime is refreshed before 30 minutes are over, and is used until ' +
    'Sentinel says otherwise.',
  async t => {
    const shifted = await loggedIn(t, {
      behaviour: { expiresIn: 'absent' },
      lifetimes: { accessToken: 24 * HOUR }
    })
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
    t.equal(app.calls('refresh'), 1, 'no immediate retry')
    clock.advance(10 * SECOND)
    await tokenAfter(shifted, before)
    t.equal(app.calls('refresh'), 2)
  }
)

t.test('A login that has no refresh token lasts as long as its access token.', async t => {
  for (const expiresIn of ['number', 'absent'] as const) {
    const { app, clock, browser } = await loggedIn(t, { behaviour: { expiresIn } })
    app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...response }) => response })
    await browser.navigate(app.url('/login'))
    clock.advance(40 * MINUTE)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    clock.advance(21 * MINUTE)
    t.equal(
      (await browser.script(app.url('/me'))).status,
      expiresIn === 'number' ? 401 : 200,
      expiresIn
    )
    t.equal(app.calls('refresh'), 0)
  }
})

t.test(
  'Closing the app waits for a refresh in progress, so that no new token is lost.',
  async t => {
    const store = new TestStore()
    const { app, clock, browser } = await loggedIn(t, {}, { store })
    const before = store.records.get(store.tokenSets[0]!)
    clock.advance(31 * MINUTE)
    const held = hold(app.sentinel, 'refresh')
    t.equal((await browser.script(app.url('/me'))).status, 200)
    await held.ready()
    const closed = app.app.close()
    held.release()
    await closed
    t.not(store.records.get(store.tokenSets[0]!), before)
    t.equal(store.calls.filter(isTokenWrite).length, 2)
  }
)

t.test(
  'Closing the app also waits for a refresh that begins while it waits for another.',
  async t => {
    const clock = new Clock()
    const store = new TestStore()
    const app = await startApp(t, {
      options: { now: clock.now, store, idleLifetime: 8 * HOUR },
      emulator: { now: clock.now },
      fastify: { forceCloseConnections: true }
    })
    const [first, second] = [app.browser(), app.browser()]
    await logIn(app, first, AGENT)
    await logIn(app, second, ADMIN)
    const sealed = (): string[] => store.tokenSets.map(id => store.records.get(id)!)
    const before = sealed()
    clock.advance(61 * MINUTE)
    const firstHeld = hold(app.sentinel, 'refresh')
    const gone = [first.script(app.url('/me')).catch(() => {})]
    await firstHeld.ready()
    // The second request arrives before the app begins to close. Reading its login takes a while.
    const loading = gate()
    store.trouble = ({ operation, kind }) =>
      operation === 'get' && kind === 'login' ? { heldUntil: loading.pass() } : undefined
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
    t.same(
      sealed().filter(text => before.includes(text)),
      []
    )
  }
)
