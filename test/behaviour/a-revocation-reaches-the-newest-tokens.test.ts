import t, { type Test } from 'tap'
import { startSentinelEmulator, type SentinelEmulator } from '../../lib/emulator/index.js'
import { AGENT, errorCode, logIn, startApp, type Setting, type TestApp } from '../support/app.js'
import type { Answer, Browser } from '../support/browser.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { hold, type HeldAnswer } from '../support/hold.js'
import { loggedIn, until } from '../support/shifted.js'
import { TestStore } from '../support/stores.js'
import { twoApps, type TwoApps } from '../support/two-apps.js'

// To some servers a refresh token that has been replaced is unknown: they answer 200 to its revocation, and do nothing (RFC 7009 §2.2).

const EVERYWHERE = { method: 'POST', form: { revoke: 'true' } }

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
async function slowLogout (t: Test): Promise<{ app: TestApp, isWaiting: () => boolean, go: () => void }> {
  let go: (() => void) | undefined
  const app = await startApp(t, {
    after: app => {
      app.get('/fresh', { onRequest: app.requireAuth }, async ({ leAuth }) => leAuth!.refresh().then(() => 'fresh'))
      app.post('/bye', { onRequest: app.requireAuth }, async ({ leAuth }) => {
        await new Promise<void>(resolve => { go = resolve })
        return leAuth!.logout({ revoke: true })
      })
    }
  })
  return { app, isWaiting: () => go !== undefined, go: () => go!() }
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
  const { app, isWaiting, go } = await slowLogout(t)
  const tokens = given(app.sentinel)
  const browser = app.browser()
  await logIn(app, browser)
  const bye = browser.script(app.url('/bye'), { method: 'POST' })
  await until(isWaiting)
  t.equal((await browser.script(app.url('/fresh'))).text, 'fresh')
  go()
  t.same((await bye).json(), { revoked: true })
  t.same(revoked(app.sentinel), tokens)
})

t.test('where a plain logout came first, they are those that this request began with', async t => {
  const { app, isWaiting, go } = await slowLogout(t)
  const browser = app.browser()
  await logIn(app, browser)
  const bye = browser.script(app.url('/bye'), { method: 'POST' })
  await until(isWaiting)
  await (await browser.copy()).submit(app.url('/logout'), {})
  t.same(revoked(app.sentinel), [])
  go()
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
  store.trouble = ({ operation, kind }) => operation === 'set' && kind === 'token set' ? 'error' : undefined
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
  t.equal((await there.step(other.url('/logout'), { ...EVERYWHERE, from: other.url('/') })).status, 303)
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
      browser.step(one.url('/logout'), { ...EVERYWHERE, from: one.url('/') }),
      plain.step(app.url('/logout'), { method: 'POST', form: {}, from: app.url('/') })
    ])
    held.release()
    t.equal((await late).status, 401)
    t.ok(revoked(sentinel).includes(fresh), sameProcess ? 'in one process' : 'in two')
  }
})

t.test('where a plain logout has begun before the one that asked for it, and is noted after it', async t => {
  for (const sameProcess of [true, false]) {
    let go: (() => void) | undefined
    const clock = new Clock()
    const store = new TestStore()
    const sentinel = await startSentinelEmulator({ now: clock.now, behaviour: { reuseKillsFamily: false } })
    t.teardown(() => sentinel.close())
    const setting: Setting = {
      sentinel,
      options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } },
      after: app => app.post('/bye', async ({ leAuth }) => {
        await new Promise<void>(resolve => { go = resolve })
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
    await until(() => go !== undefined)
    let plainNote = 0
    store.trouble = ({ operation, kind, index }) => {
      if (operation !== 'set' || kind !== 'note of an end' || plainNote > 0) return undefined
      plainNote = index
      return { delayMs: 300 }
    }
    const plain = (await browser.copy()).step(one.url('/logout'), { method: 'POST', form: {}, from: one.url('/') })
    await until(() => plainNote > 0)
    go!()
    t.same([(await bye).json(), (await plain).status], [{ revoked: true }, 303])
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
  let isReading = false
  store.trouble = ({ operation, kind }) => {
    if (operation === 'set' && kind === 'note of an end') return { delayMs: 300 }
    if (operation !== 'get' || kind !== 'token set' || !isNoted() || isReading) return undefined
    isReading = true
    return { delayMs: 500 }
  }
  const logout = there.step(other.url('/logout'), { ...EVERYWHERE, from: other.url('/') })
  await until(() => store.calls.some(({ operation, kind }) => operation === 'set' && kind === 'note of an end'))
  t.equal((await browser.script(one.url('/me'))).status, 200)
  await until(() => isReading)
  t.equal((await atThird.script(third.url('/me'))).status, 401)
  t.equal((await logout).status, 303)
  t.equal(tokens.length, 1)
  t.same(revoked(sentinel), tokens)
  t.same(store.tokenSets, [])
})

t.test('where a refresh in another process hears of the end before all of the logout is done', async t => {
  const { other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
  // Every second write takes long, whichever it is.
  let notes = 0
  store.trouble = ({ operation, kind }) => operation === 'set' && kind === 'note of an end' && ++notes === 2 ? { delayMs: 500 } : undefined
  const logout = there.step(other.url('/logout'), { ...EVERYWHERE, from: other.url('/') })
  await until(() => notes === 2)
  held.release()
  await late
  t.equal((await logout).status, 303)
  t.ok(revoked(sentinel).includes(fresh))
  t.same(store.tokenSets, [])
})

t.test('where the store does not give that part of the note', async t => {
  const { other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
  // The refresh has looked for its record, and is about to write.
  let isWriting = false
  store.trouble = ({ operation, kind, id }) => {
    if (operation === 'set' && kind === 'token set') { isWriting = true; return { delayMs: 300 } }
    return operation === 'get' && id.startsWith('le-auth:revoked:') ? 'error' : undefined
  }
  held.release()
  await until(() => isWriting)
  t.equal((await there.step(other.url('/logout'), { ...EVERYWHERE, from: other.url('/') })).status, 303)
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
  t.equal(errorCode(await browser.step(app.url('/logout'), { ...EVERYWHERE, from: app.url('/') })), 'LE_AUTH_STORE_UNAVAILABLE')
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
  t.equal((await browser.step(app.url('/logout'), { ...EVERYWHERE, from: app.url('/') })).status, 303)
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
