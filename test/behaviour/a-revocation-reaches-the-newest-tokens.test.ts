import t, { type Test } from 'tap'
import type { SentinelEmulator } from '../../lib/emulator/index.js'
import { AGENT, errorCode, logIn, logOut, startApp, type TestApp } from '../support/app.js'
import type { Answer, Browser } from '../support/browser.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { gate, hold, type Gate, type HeldAnswer } from '../support/hold.js'
import { loggedIn, until } from '../support/shifted.js'
import { isTokenWrite, TestStore, type StoreCall } from '../support/stores.js'
import { twoApps, type TwoApps } from '../support/two-apps.js'

// To some servers a refresh token that has been replaced is unknown: they answer 200 to its revocation, and do nothing (RFC 7009 §2.2).

const isEnd = ({ operation, kind }: StoreCall): boolean => operation === 'destroy' && kind === 'login'
const EVERYWHERE = { revoke: 'true' }

function revoked (sentinel: SentinelEmulator): Array<string | null> {
  return sentinel.requests.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => body!.get('token'))
}

/** The refresh tokens that Sentinel gives from now on, the newest last. */
function given (sentinel: SentinelEmulator): string[] {
  const tokens: string[] = []
  sentinel.always('refresh', { change: answer => { tokens.push(String(answer['refresh_token'])); return answer } })
  return tokens
}

/** An app with a logout of its own that waits before it logs out everywhere. */
async function slowLogout (t: Test): Promise<Gate & { app: TestApp }> {
  const handler = gate()
  const app = await startApp(t, {
    after: app => {
      app.get('/fresh', { onRequest: app.requireAuth }, async ({ leAuth }) => leAuth!.refresh().then(() => 'fresh'))
      app.post('/bye', { onRequest: app.requireAuth }, async ({ leAuth }) => {
        await handler.pass()
        return leAuth!.logout({ revoke: true })
      })
    }
  })
  return { app, ...handler }
}

/** Two apps as two processes; the refresh of one is done at Sentinel, and its answer is held back. */
async function heldRefresh (t: Test): Promise<TwoApps & { there: Browser, held: HeldAnswer, late: Promise<Answer>, fresh: string }> {
  const apps = await twoApps(t, { behaviour: { reuseKillsFamily: false } })
  const browser = apps.one.browser()
  await logIn(apps.one, browser)
  const there = await apps.toOther(browser)
  apps.clock.advance(61 * MINUTE)
  const held = hold(apps.sentinel, 'refresh')
  const late = browser.script(apps.one.url('/me'))
  const { refresh_token: fresh } = await held.ready()
  return { ...apps, there, held, late, fresh }
}

t.test('They are revoked where another request has refreshed them since this one began.', async t => {
  const { app, reached, open } = await slowLogout(t)
  const tokens = given(app.sentinel)
  const browser = app.browser()
  await logIn(app, browser)
  const bye = browser.script(app.url('/bye'), { method: 'POST' })
  await reached()
  t.equal((await browser.script(app.url('/fresh'))).text, 'fresh')
  open()
  t.same((await bye).json(), { revoked: true })
  t.same(revoked(app.sentinel), tokens)
})

t.test('Where a plain logout came first, the login is over, and nobody is told that anything was revoked.', async t => {
  const { app, reached, open } = await slowLogout(t)
  const browser = app.browser()
  await logIn(app, browser)
  const bye = browser.script(app.url('/bye'), { method: 'POST' })
  await reached()
  await (await browser.copy()).submit(app.url('/logout'), {})
  open()
  t.equal(errorCode(await bye), 'LE_AUTH_SESSION_ENDED')
  t.same(revoked(app.sentinel), [])
})

t.test('They are revoked where the store did not take them.', async t => {
  const clock = new Clock()
  const store = new TestStore()
  const app = await startApp(t, { options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } }, emulator: { now: clock.now } })
  const tokens = given(app.sentinel)
  const browser = app.browser()
  await logIn(app, browser)
  clock.advance(61 * MINUTE)
  store.trouble = call => isTokenWrite(call) ? 'error' : undefined
  t.equal(errorCode(await browser.script(app.url('/me'))), 'LE_AUTH_STORE_UNAVAILABLE')
  store.trouble = () => undefined
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  t.ok(revoked(app.sentinel).includes(tokens[0]!), 'with those of before, which another process may have gone on from')
  t.equal(tokens.length, 1)
})

t.test('They are revoked where a refresh is under way, and another request finds the login over without asking for it.', async t => {
  const { one, other, sentinel, there, held, late: winner, fresh } = await heldRefresh(t)
  const loser = there.script(other.url('/me'))
  await until(() => one.calls('refresh') === 2)
  t.equal((await logOut(other, there, EVERYWHERE)).status, 303)
  t.equal((await loser).status, 401)
  held.release()
  t.equal((await winner).status, 401)
  t.ok(revoked(sentinel).includes(fresh))
})

t.test('They are revoked where a plain logout ends after the one that asked for it.', async t => {
  const { one, other, sentinel, clock, toOther } = await twoApps(t)
  for (const sameProcess of [true, false]) {
    const browser = one.browser()
    await logIn(one, browser)
    clock.advance(61 * MINUTE)
    const held = hold(sentinel, 'refresh')
    const late = browser.script(one.url('/me'))
    const { refresh_token: fresh } = await held.ready()
    const [app, plain] = sameProcess ? [one, await browser.copy()] : [other, await toOther(browser)]
    await Promise.all([
      logOut(one, browser, EVERYWHERE),
      logOut(app, plain)
    ])
    held.release()
    t.equal((await late).status, 401)
    t.ok(revoked(sentinel).includes(fresh), sameProcess ? 'in one process' : 'in two')
  }
})

t.test('They are revoked where a plain logout in another process has begun before the one that asked for it, and ends after it.', async t => {
  const { one, other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
  const removal = gate()
  store.trouble = call => isEnd(call) ? { heldUntil: removal.pass() } : undefined
  // Both are logged in when they ask.
  const plain = logOut(other, there)
  await removal.reached()
  store.trouble = () => undefined
  t.equal((await logOut(one, await there.copy({ [one.origin]: one.server }), EVERYWHERE)).status, 303)
  removal.open()
  t.equal((await plain).status, 303)
  held.release()
  t.equal((await late).status, 401)
  t.ok(revoked(sentinel).includes(fresh))
  t.same([store.logins, store.tokenSets], [[], []])
})

t.test('They are revoked where a refresh in another process has stored them while the logout was under way.', async t => {
  const { one, other, sentinel, clock, store, toOther } = await twoApps(t, { behaviour: { reuseKillsFamily: false } })
  const tokens = given(sentinel)
  const browser = one.browser()
  await logIn(one, browser)
  const there = await toOther(browser)
  clock.advance(61 * MINUTE)
  const removal = gate()
  store.trouble = call => isEnd(call) ? { heldUntil: removal.pass() } : undefined
  const logout = logOut(other, there, EVERYWHERE)
  await removal.reached()
  store.trouble = () => undefined
  t.equal((await browser.script(one.url('/me'))).status, 200)
  removal.open()
  t.equal((await logout).status, 303)
  t.equal(tokens.length, 1)
  t.same(revoked(sentinel), tokens)
  t.same(store.tokenSets, [])
})

t.test('They are revoked where a refresh in another process hears of the end before all of the logout is done.', async t => {
  const { other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
  const reading = gate()
  store.trouble = ({ operation, kind }) => operation === 'get' && kind === 'token set' && store.logins.length === 0 ? { heldUntil: reading.pass() } : undefined
  const logout = logOut(other, there, EVERYWHERE)
  await reading.reached()
  store.trouble = () => undefined
  held.release()
  t.equal((await late).status, 401)
  reading.open()
  t.equal((await logout).status, 303)
  t.ok(revoked(sentinel).includes(fresh))
  t.same(store.tokenSets, [])
})

t.test('They are revoked where the store does not tell at first that this was asked for.', async t => {
  const { other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
  // The refresh has looked for its record, and is about to write.
  const writing = gate()
  let failures = 0
  store.trouble = call => {
    if (isTokenWrite(call)) return { heldUntil: writing.pass() }
    if (call.operation !== 'get' || call.kind !== 'revocation' || failures > 0) return undefined
    failures += 1
    return 'error'
  }
  held.release()
  await writing.reached()
  t.equal((await logOut(other, there, EVERYWHERE)).status, 303)
  writing.open()
  t.equal((await late).status, 401)
  t.equal(failures, 1)
  t.ok(revoked(sentinel).includes(fresh))
})

t.test('They are revoked where the store cannot remove what has ended.', async t => {
  const clock = new Clock()
  const store = new TestStore()
  const app = await startApp(t, { options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } }, emulator: { now: clock.now, behaviour: { reuseKillsFamily: false } } })
  const browser = app.browser()
  await logIn(app, browser)
  clock.advance(61 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  const late = browser.script(app.url('/me'))
  const { refresh_token: fresh } = await held.ready()
  store.trouble = ({ operation }) => operation === 'destroy' ? 'error' : undefined
  t.equal(errorCode(await logOut(app, browser, EVERYWHERE)), 'LE_AUTH_STORE_UNAVAILABLE')
  held.release()
  await late
  t.ok(revoked(app.sentinel).includes(fresh))
})

t.test('A second try revokes the newest tokens that the store has, and the log tells if that fails.', async t => {
  for (const fault of [null, { status: 503 }]) {
    const store = new TestStore()
    const app = await startApp(t, { options: { session: { store } } })
    const browser = app.browser()
    await logIn(app, browser)
    store.trouble = ({ operation }) => operation === 'destroy' ? 'error' : undefined
    t.equal(errorCode(await logOut(app, browser, EVERYWHERE)), 'LE_AUTH_STORE_UNAVAILABLE')
    store.trouble = () => undefined
    const before = app.calls('revoke')
    if (fault !== null) app.sentinel.next('revoke', fault)
    t.equal((await logOut(app, browser, EVERYWHERE)).status, 303)
    t.equal(app.calls('revoke'), before + 1)
    t.same([store.logins, store.tokenSets], [[], []])
    const failed = app.events().filter(({ event }) => event === 'revocation_failed')
    t.same(failed.map(({ reason }) => reason), fault === null ? [] : ['http_503'])
  }
})

t.test('Where that fails for those that came late, the log tells.', async t => {
  const { app, clock, browser } = await loggedIn(t, { behaviour: { reuseKillsFamily: false } })
  clock.advance(61 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  const late = browser.script(app.url('/me'))
  const { refresh_token: fresh } = await held.ready()
  t.equal((await logOut(app, browser, EVERYWHERE)).status, 303)
  app.sentinel.next('revoke', { status: 503 })
  held.release()
  t.equal((await late).status, 401)
  t.match(app.events().find(({ event }) => event === 'revocation_failed'), { accountId: '12345678', userId: AGENT.id, code: 'LE_AUTH_REVOCATION_FAILED', reason: 'http_503' })
  t.notMatch(app.logLines.join(''), fresh)
})

t.test('Where the tokens that the store has do not open, those that the process knows are revoked.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } } })
  const browser = app.browser()
  let given = ''
  app.sentinel.next('token', { change: answer => { given = answer.refresh_token; return answer } })
  await logIn(app, browser)
  store.rewrite(store.tokenSets[0]!, record => ({ ...record, leAuth: 'changed' }))
  await browser.submit(app.url('/logout'), EVERYWHERE)
  t.match(app.events().at(-1), { event: 'logout', revoked: true })
  t.same([revoked(app.sentinel), store.tokenSets], [[given], []])
})

t.test('Where a process knows none that open, it is told that there was nothing to revoke.', async t => {
  const { one, other, store, sentinel, toOther } = await twoApps(t)
  const browser = one.browser()
  await logIn(one, browser)
  store.rewrite(store.tokenSets[0]!, record => ({ ...record, leAuth: 'changed' }))
  await (await toOther(browser)).submit(other.url('/logout'), EVERYWHERE)
  t.match(other.events().at(-1), { event: 'logout', revoked: false, reason: 'no_refresh_token' })
  t.same([revoked(sentinel), store.tokenSets, store.logins], [[], [], []])
})
