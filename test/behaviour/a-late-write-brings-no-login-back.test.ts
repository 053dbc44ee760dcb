import { Readable } from 'node:stream'
import t from 'tap'
import { errorCode, logIn, logOut, startApp, upToCallback, type Setting } from '../support/app.js'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.js'
import { gate, hold, type Gate } from '../support/hold.js'
import { isTokenWrite, TestStore } from '../support/stores.js'
import { twoApps } from '../support/two-apps.js'

for (const form of [{}, { revoke: 'true' }]) {
  t.test(`A refresh that ends after a logout ${JSON.stringify(form)} in another process brings nobody back, also where the store does not tell of the logout.`, async t => {
    const { one, other, store, clock, toOther } = await twoApps(t)
    const browser = one.browser()
    await logIn(one, browser)
    const [before, there] = [await browser.copy(), await toOther(browser)]
    clock.advance(61 * MINUTE)
    const writing = gate()
    let failures = 0
    store.trouble = call => {
      if (isTokenWrite(call)) return { heldUntil: writing.pass() }
      if (call.operation !== 'get' || call.kind !== 'login' || store.logins.length > 0) return undefined
      failures += 1
      return 'error'
    }
    const late = browser.script(one.url('/me'))
    await writing.reached()
    t.equal((await logOut(other, there, form)).status, 303)
    writing.open()
    t.equal(errorCode(await late), 'LE_AUTH_STORE_UNAVAILABLE')
    t.ok(failures > 0, 'the look after the write failed')
    store.trouble = () => undefined
    for (const minutes of [0, 6]) {
      clock.advance(minutes * MINUTE)
      for (const [app, who] of [[one, before], [one, browser], [other, await there.copy()]] as const) t.equal((await who.script(app.url('/me'))).status, 401)
    }
    t.same(store.logins, [])
  })
}

/** A store whose client gives up on a write that is carried out all the same, after a while. */
class HastyStore extends TestStore {
  hasty = false
  #held: Array<() => void> = []

  override set (...[id, session, callback]: Parameters<TestStore['set']>): void {
    if (!this.hasty || !id.startsWith('le-auth:tokens:')) return super.set(id, session, callback)
    this.#held.push(() => super.set(id, session, () => {}))
    callback(Object.assign(new Error(), { code: 'ETIMEDOUT' }))
  }

  carryOut (): void {
    for (const write of this.#held) write()
  }
}

t.test('Tokens that are written after the logout, and a session that a slow request saves after it, bring nobody back.', async t => {
  const clock = new Clock()
  const store = new HastyStore()
  const handler = gate()
  const app = await startApp(t, {
    options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } },
    emulator: { now: clock.now },
    after: app => app.get('/slow', async ({ session }) => {
      await handler.pass()
      Object.assign(session, { seen: 1 })
      await session.save()
      return 'done'
    })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const before = await browser.copy()
  clock.advance(61 * MINUTE)
  const slow = before.script(app.url('/slow'))
  await handler.reached()
  store.hasty = true
  t.equal(errorCode(await browser.script(app.url('/me'))), 'LE_AUTH_STORE_UNAVAILABLE')
  store.hasty = false
  t.equal((await logOut(app, browser)).status, 303)
  store.carryOut()
  handler.open()
  t.equal((await slow).text, 'done')
  t.same([store.tokenSets.length > 0, store.logins], [true, []], 'the tokens are back in the store, and the login is not')
  // What a process remembers for itself ends before that.
  for (const hours of [0.1, 2]) {
    clock.advance(hours * HOUR)
    t.equal((await before.script(app.url('/me'))).status, 401, `after ${hours} hours`)
  }
})

/** A route that writes to the session when it is let on, and one that shows the session. */
function slowRoutes (handler: Gate, isSavedByHand = false): NonNullable<Setting['after']> {
  return app => {
    app.get('/slow', async ({ session }) => {
      await handler.pass()
      Object.assign(session, { search: 'private' })
      if (isSavedByHand) await session.save()
      return 'slow'
    })
    app.get('/add', async ({ session }) => {
      const { visits = 0 } = session as { visits?: number }
      Object.assign(session, { visits: visits + 1 })
      return visits + 1
    })
    app.get('/session', async ({ session }) => ({ ...session }))
  }
}

for (const isSavedByHand of [false, true]) {
  t.test(`What a slow request of the login before has ${isSavedByHand ? 'saved by hand' : 'written'} is shown to nobody, and the next login stays.`, async t => {
    const handler = gate()
    const app = await startApp(t, { after: slowRoutes(handler, isSavedByHand) })
    const browser = app.browser()
    await logIn(app, browser)
    await browser.script(app.url('/add'))
    const before = await browser.copy()
    const slow = browser.script(app.url('/slow'))
    await handler.reached()
    await logOut(app, browser)
    await browser.navigate(app.url('/login'))
    handler.open()
    const late = await slow
    t.same([late.text, late.setCookies], ['slow', []], 'it gives no cookie to a browser that has others by now')
    t.equal((await browser.script(app.url('/me'))).status, 200)
    for (const each of [browser, before]) t.notMatch((await each.script(app.url('/session'))).text, 'private')
    t.equal((await before.script(app.url('/me'))).status, 401)
    for (const visits of [1, 2, 3]) t.equal((await browser.script(app.url('/add'))).text, String(visits), 'and has a session that lasts')
  })
}

t.test('A slow answer to the visitor who has logged in meanwhile leaves the login alone, and its session.', async t => {
  const handler = gate()
  const app = await startApp(t, { after: slowRoutes(handler) })
  const browser = app.browser()
  await browser.script(app.url('/add'))
  const slow = browser.script(app.url('/slow'))
  await handler.reached()
  await logIn(app, browser)
  for (const visits of [1, 2]) t.equal((await browser.script(app.url('/add'))).text, String(visits))
  handler.open()
  t.equal((await slow).text, 'slow')
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.notMatch((await browser.script(app.url('/session'))).text, 'private')
  t.equal((await browser.script(app.url('/add'))).text, '3', 'and its session')
})

t.test('A request that waited for a refresh of the login before leaves the cookies of the next one alone.', async t => {
  const { one, sentinel, clock } = await twoApps(t)
  const browser = one.browser()
  await logIn(one, browser)
  clock.advance(61 * MINUTE)
  const held = hold(sentinel, 'refresh')
  const waiting = browser.script(one.url('/me'))
  await held.ready()
  await browser.navigate(one.url('/login'))
  t.equal((await browser.script(one.url('/me'))).status, 200)
  clock.advance(SECOND)
  held.release()
  const late = await waiting
  t.same([late.status, late.setCookies], [401, []])
  t.equal((await browser.script(one.url('/me'))).status, 200)
})

t.test('A request that finds its login, and not its tokens, before the logout is nobody’s after it.', async t => {
  const { one, other, store, toOther } = await twoApps(t)
  const browser = one.browser()
  await logIn(one, browser)
  const there = await toOther(browser)
  // To this process the login is new, so it looks for the tokens too.
  const reading = gate()
  store.trouble = ({ operation, kind }) => operation === 'get' && kind === 'token set' ? { heldUntil: reading.pass() } : undefined
  const slow = there.script(other.url('/me'))
  await reading.reached()
  store.trouble = () => undefined
  t.equal((await logOut(one, browser)).status, 303)
  reading.open()
  t.equal((await slow).status, 401)
})

const isRemoval = ({ operation, kind }: { operation: string, kind: string }): boolean => operation === 'destroy' && kind === 'session'

t.test('A session that the store could not remove brings no login back, and no second logout is called done meanwhile.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } }, after: slowRoutes(gate()) })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/add'))).text, '1')
  const again = await browser.copy()
  const removal = gate()
  store.trouble = call => isRemoval(call) ? { heldUntil: removal.pass(), fails: true } : undefined
  const first = logOut(app, browser)
  await removal.reached()
  t.equal((await again.script(app.url('/me'))).status, 401)
  removal.open()
  t.equal(errorCode(await first), 'LE_AUTH_STORE_UNAVAILABLE')
  store.trouble = () => undefined
  for (const visits of [1, 2, 3]) t.equal((await again.script(app.url('/add'))).text, String(visits), 'a visitor has a session of their own')
  t.equal((await again.script(app.url('/me'))).status, 401)
})

t.test('A visitor whose login fails at the removal of the session keeps what was written to it.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } }, after: slowRoutes(gate()) })
  const browser = app.browser()
  t.equal((await browser.script(app.url('/add'))).text, '1')
  const callback = await upToCallback(app, browser)
  const removal = gate()
  store.trouble = call => isRemoval(call) ? { heldUntil: removal.pass(), fails: true } : undefined
  const login = browser.step(callback)
  await removal.reached()
  store.trouble = () => undefined
  t.equal((await (await browser.copy()).script(app.url('/add'))).text, '2')
  removal.open()
  t.equal(errorCode(await login), 'LE_AUTH_STORE_UNAVAILABLE')
  t.equal((await browser.script(app.url('/add'))).text, '3')
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.same([store.logins, store.tokenSets], [[], []])
})

t.test('An answer that is a stream and fails during a logout ends no process.', async t => {
  const store = new TestStore()
  const handler = gate()
  const file = new Readable({ read () {} })
  const app = await startApp(t, { options: { session: { store } }, after: app => app.get('/file', async () => { await handler.pass(); return file }) })
  const browser = app.browser()
  await logIn(app, browser)
  const answer = (await browser.copy()).script(app.url('/file')).catch(() => null)
  await handler.reached()
  const removal = gate()
  store.trouble = ({ operation, kind }) => operation === 'destroy' && kind === 'login' ? { heldUntil: removal.pass() } : undefined
  const logout = logOut(app, browser)
  await removal.reached()
  handler.open()
  file.destroy(new Error('the disk is away'))
  await answer
  removal.open()
  t.equal((await logout).status, 303)
  t.equal((await app.browser().navigate(app.url('/'))).text, 'hello stranger')
})
