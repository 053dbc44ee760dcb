import t, { type Test } from 'tap'
import { startSentinelEmulator, type SentinelEmulator } from '../../lib/emulator/index.js'
import { AGENT, errorCode, logIn, logOut, startApp, type Setting, type TestApp } from '../support/app.js'
import type { Answer, Browser } from '../support/browser.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { gate, hold, type Gate, type HeldAnswer } from '../support/hold.js'
import { loggedIn, until } from '../support/shifted.js'
import { isTokenWrite, TestStore, type StoreCall } from '../support/stores.js'
import { twoApps, type TwoApps } from '../support/two-apps.js'

// To some servers a refresh token that has been replaced is unknown: they answer 200 to its revocation, and do nothing (RFC 7009 §2.2).

const isNote = ({ operation, kind }: StoreCall): boolean => operation === 'set' && kind === 'note of an end'
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

t.test('where another request has refreshed them since this one began', async t => {
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

t.test('where a plain logout came first, they are those that this request began with', async t => {
  const { app, reached, open } = await slowLogout(t)
  const browser = app.browser()
  await logIn(app, browser)
  const bye = browser.script(app.url('/bye'), { method: 'POST' })
  await reached()
  await (await browser.copy()).submit(app.url('/logout'), {})
  t.same(revoked(app.sentinel), [])
  open()
  t.same((await bye).json(), { revoked: true })
  t.equal(revoked(app.sentinel).length, 1)
})

t.test('where the store did not take them', async t => {
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
  t.same(revoked(app.sentinel), tokens)
  t.equal(tokens.length, 1)
})

t.test('where a refresh is under way, and another request ends the same login without asking for it', async t => {
  const { one, other, sentinel, there, held, late: winner, fresh } = await heldRefresh(t)
  const loser = there.script(other.url('/me'))
  await until(() => one.calls('refresh') === 2)
  t.equal((await logOut(other, there, EVERYWHERE)).status, 303)
  t.equal((await loser).status, 401)
  held.release()
  t.equal((await winner).status, 401)
  t.ok(revoked(sentinel).includes(fresh))
})

t.test('where a plain logout ends after the one that asked for it', async t => {
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

t.test('where a plain logout has begun before the one that asked for it, and is noted after it', async t => {
  for (const sameProcess of [true, false]) {
    const handler = gate()
    const clock = new Clock()
    const store = new TestStore()
    const sentinel = await startSentinelEmulator({ now: clock.now, behaviour: { reuseKillsFamily: false } })
    t.teardown(() => sentinel.close())
    const setting: Setting = {
      sentinel,
      options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } },
      after: app => app.post('/bye', async ({ leAuth }) => {
        await handler.pass()
        return leAuth!.logout({ revoke: true })
      })
    }
    const [one, other] = [await startApp(t, setting), await startApp(t, setting)]
    const browser = one.browser()
    await logIn(one, browser)
    const [app, there] = sameProcess ? [one, await browser.copy()] : [other, await browser.copy({ [other.origin]: other.server })]
    clock.advance(61 * MINUTE)
    const held = hold(sentinel, 'refresh')
    const late = browser.script(one.url('/me'))
    const { refresh_token: fresh } = await held.ready()
    const bye = there.script(app.url('/bye'), { method: 'POST' })
    await handler.reached()
    const plainNote = gate()
    store.trouble = call => isNote(call) ? { heldUntil: plainNote.pass() } : undefined
    const plain = logOut(one, await browser.copy())
    await plainNote.reached()
    store.trouble = () => undefined
    handler.open()
    t.same((await bye).json(), { revoked: true })
    plainNote.open()
    t.equal((await plain).status, 303)
    held.release()
    t.equal((await late).status, 401)
    t.ok(revoked(sentinel).includes(fresh), sameProcess ? 'in one process' : 'in two')
  }
})

t.test('where a request at a third process finds them before the logout that asked for it has', async t => {
  const { one, other, sentinel, clock, store, toOther } = await twoApps(t, { behaviour: { reuseKillsFamily: false } })
  const third = await startApp(t, { sentinel, options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } } })
  const tokens = given(sentinel)
  const browser = one.browser()
  await logIn(one, browser)
  const [there, atThird] = [await toOther(browser), await browser.copy({ [third.origin]: third.server })]
  clock.advance(61 * MINUTE)
  // The end is noted when the refresh is over, and the record is read a while after that.
  const isNoted = (): boolean => [...store.records.keys()].some(id => id.startsWith('le-auth:ended:'))
  const [noting, reading] = [gate(), gate()]
  store.trouble = call => {
    if (isNote(call)) return { heldUntil: noting.pass() }
    return call.operation === 'get' && call.kind === 'token set' && isNoted() ? { heldUntil: reading.pass() } : undefined
  }
  const logout = logOut(other, there, EVERYWHERE)
  await noting.reached()
  t.equal((await browser.script(one.url('/me'))).status, 200)
  noting.open()
  await reading.reached()
  store.trouble = () => undefined
  t.equal((await atThird.script(third.url('/me'))).status, 401)
  reading.open()
  t.equal((await logout).status, 303)
  t.equal(tokens.length, 1)
  t.same(revoked(sentinel), tokens)
  t.same(store.tokenSets, [])
})

t.test('where a refresh in another process hears of the end before all of the logout is done', async t => {
  const { other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
  // The second note is held, whichever it is.
  const second = gate()
  let notes = 0
  store.trouble = call => isNote(call) && ++notes === 2 ? { heldUntil: second.pass() } : undefined
  const logout = logOut(other, there, EVERYWHERE)
  await second.reached()
  held.release()
  await late
  second.open()
  t.equal((await logout).status, 303)
  t.ok(revoked(sentinel).includes(fresh))
  t.same(store.tokenSets, [])
})

t.test('where the store does not give that part of the note', async t => {
  const { other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
  // The refresh has looked for its record, and is about to write.
  const writing = gate()
  store.trouble = ({ operation, kind, id }) => {
    if (operation === 'set' && kind === 'token set') return { heldUntil: writing.pass() }
    return operation === 'get' && id.startsWith('le-auth:revoked:') ? 'error' : undefined
  }
  held.release()
  await writing.reached()
  t.equal((await logOut(other, there, EVERYWHERE)).status, 303)
  writing.open()
  t.equal((await late).status, 401)
  t.ok(revoked(sentinel).includes(fresh))
})

t.test('where the store cannot remove what has ended', async t => {
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

t.test('where that fails for those that came late, the log tells', async t => {
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

t.test('and where the tokens there are do not open, that is told', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } } })
  const browser = app.browser()
  await logIn(app, browser)
  store.rewrite(store.tokenSets[0]!, record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, sealed: 'changed' } }))
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  t.match(app.events().at(-1), { event: 'logout', revoked: false, reason: 'no_refresh_token' })
  t.same([revoked(app.sentinel), store.tokenSets], [[], []])
})
