import { Readable } from 'node:stream'
import t from 'tap'
import { errorCode, logIn, logOut, startApp, upToCallback, type Setting } from '../support/app.js'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.js'
import { gate, hold, type Gate } from '../support/hold.js'
import { isTokenWrite, TestStore, type StoreCall, type StoreTrouble } from '../support/stores.js'
import { twoApps } from '../support/two-apps.js'

const isRemoval = ({ operation, kind }: StoreCall): boolean => operation === 'destroy' && kind === 'session'
const failingRemoval = (call: StoreCall): StoreTrouble | undefined => isRemoval(call) ? 'error' : undefined

for (const { form, note } of [{ form: {}, note: 'whole' }, { form: { revoke: 'true' }, note: 'whole' }, { form: {}, note: 'half lost' }]) {
  t.test(`two processes: a logout ${JSON.stringify(form)} at one, a refresh that ends after it at the other, whose look for the logout fails; its note is ${note}`, async t => {
    const { one, other, store, clock, toOther } = await twoApps(t)
    const browser = one.browser()
    await logIn(one, browser)
    const [before, there] = [await browser.copy(), await toOther(browser)]
    clock.advance(61 * MINUTE)
    const writing = gate()
    let failures = 0
    store.trouble = call => {
      if (isTokenWrite(call)) return { heldUntil: writing.pass() }
      const isLookAfterLogout = call.operation === 'get' && call.kind === 'note of an end' && store.logins.length === 0
      if (!isLookAfterLogout) return undefined
      failures += 1
      return 'error'
    }
    const late = browser.script(one.url('/me'))
    await writing.reached()
    t.equal((await logOut(other, there, form)).status, 303)
    writing.open()
    t.equal(errorCode(await late), 'LE_AUTH_STORE_UNAVAILABLE')
    t.equal(failures, 3, 'the look after the write failed')
    store.trouble = () => undefined
    t.equal(store.tokenSets.length, 1, 'so the tokens are in the store')
    const ended = [...store.records.keys()].filter(id => id.startsWith('le-auth:ended:'))
    t.equal(ended.length, 1)
    if (note === 'half lost') store.rewrite(ended[0]!, record => ({ ...record, leAuthNote: {} }))
    for (const minutes of [0, 6]) {
      clock.advance(minutes * MINUTE)
      for (const [app, who] of [[one, before], [one, browser], [other, await there.copy()]] as const) t.equal((await who.script(app.url('/me'))).status, 401)
    }
    t.same(store.tokenSets, [], 'whoever came by has removed them')
  })
}

/** Time for what has been let on to come as far as it can. */
async function aMoment (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 100))
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

t.test('one process: a write that is carried out after the logout, and a slow request that saves its session', async t => {
  const clock = new Clock()
  const store = new HastyStore()
  const handler = gate()
  const app = await startApp(t, {
    options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } },
    emulator: { now: clock.now },
    after: app => app.get('/slow', async request => {
      await handler.pass()
      Object.assign(request.session, { seen: 1 })
      await new Promise<void>((resolve, reject) => request.session.save(error => error ? reject(error) : resolve()))
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
  t.same([store.tokenSets.length, store.logins.length], [1, 1], 'both are back in the store')
  // What a process remembers for itself ends before that.
  for (const hours of [0.1, 2]) {
    clock.advance(hours * HOUR)
    t.equal((await before.script(app.url('/me'))).status, 401, `after ${hours} hours`)
  }
})

t.test('a slow answer of the login before gives its cookie to nobody, nor what it has kept', async t => {
  const handler = gate()
  const app = await startApp(t, {
    after: app => {
      app.get('/slow', { onRequest: app.requireAuth }, async request => {
        await handler.pass()
        Object.assign(request.session, { lastSearch: 'private' })
        return 'done'
      })
      app.get('/kept', async ({ session }) => ({ ...session }))
    }
  })
  const browser = app.browser()
  await logIn(app, browser)
  const before = await browser.copy()
  const slow = browser.script(app.url('/slow'))
  await handler.reached()
  await logOut(app, browser)
  await browser.navigate(app.url('/login'))
  handler.open()
  const late = await slow
  t.same([late.text, late.setCookies], ['done', []])
  t.equal((await browser.script(app.url('/me'))).status, 200, 'the new login stays')
  t.notMatch((await before.script(app.url('/kept'))).text, 'private')
})

t.test('a request that waited for a refresh of the login before leaves the cookie of the next one alone', async t => {
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

t.test('nor does a slow answer that ends while the next login is under way', async t => {
  const store = new TestStore()
  const handler = gate()
  const app = await startApp(t, {
    options: { session: { store } },
    after: app => {
      app.get('/slow', { onRequest: app.requireAuth }, async request => {
        await handler.pass()
        Object.assign(request.session, { lastSearch: 'private' })
        return 'done'
      })
    }
  })
  const browser = app.browser()
  await logIn(app, browser)
  const slow = browser.script(app.url('/slow'))
  await handler.reached()
  // The session of before is going, and the login has not been answered.
  const removal = gate()
  store.trouble = call => isRemoval(call) ? { heldUntil: removal.pass() } : undefined
  const login = browser.navigate(app.url('/login'))
  await removal.reached()
  handler.open()
  removal.open()
  t.same((await slow).setCookies, [])
  await login
  store.trouble = () => undefined
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.notMatch([...store.records.values()].join(''), 'private')
})

t.test('nor does one that had loaded its session, and not its tokens, when the logout came', async t => {
  const store = new TestStore()
  const handler = gate()
  const app = await startApp(t, {
    options: { session: { store } },
    after: app => app.get('/search', async ({ session, leAuth }) => {
      await handler.pass()
      Object.assign(session, { search: 'private' })
      return String(leAuth?.user.id)
    })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const reading = gate()
  store.trouble = ({ operation, kind }) => operation === 'get' && kind === 'token set' ? { heldUntil: reading.pass() } : undefined
  const slow = browser.script(app.url('/search'))
  await reading.reached()
  store.trouble = () => undefined
  t.equal((await logOut(app, browser)).status, 303)
  reading.open()
  await browser.navigate(app.url('/login'))
  await handler.reached()
  handler.open()
  const late = await slow
  t.same([late.text, late.setCookies], ['undefined', []])
  t.equal((await browser.script(app.url('/me'))).status, 200, 'the next login stays')
  t.notMatch([...store.records.values()].join(''), 'private')
})

t.test('nor does a slow answer to the visitor who has logged in meanwhile', async t => {
  const handler = gate()
  const app = await startApp(t, {
    after: app => {
      app.get('/cart', async ({ session }) => { Object.assign(session, { cart: 1 }); return 'one' })
      app.get('/slow-cart', async ({ session }) => {
        await handler.pass()
        Object.assign(session, { cart: 2 })
        return 'two'
      })
    }
  })
  const browser = app.browser()
  await browser.script(app.url('/cart'))
  const slow = browser.script(app.url('/slow-cart'))
  await handler.reached()
  await logIn(app, browser)
  handler.open()
  const late = await slow
  t.same([late.text, late.setCookies], ['two', []])
  t.equal((await browser.script(app.url('/me'))).status, 200)
})

/** A route that counts in the session, and one that saves it as late as told. */
function countingRoutes (handler: Gate, isSavedByHand: boolean): NonNullable<Setting['after']> {
  return app => {
    app.get('/add', async ({ session }) => {
      const { visits = 0 } = session as { visits?: number }
      Object.assign(session, { visits: visits + 1 })
      return visits + 1
    })
    app.get('/slow', async ({ session }) => {
      await handler.pass()
      Object.assign(session, { visits: 100 })
      if (isSavedByHand) await session.save()
      return 'slow'
    })
  }
}

t.test('what a handler or another process has saved again is no session where it was removed, and goes again', async t => {
  for (const isSavedByHand of [true, false]) {
    const handler = gate()
    const { one, other, store, toOther } = await twoApps(t, {}, {}, { after: countingRoutes(handler, isSavedByHand) })
    const browser = one.browser()
    await logIn(one, browser)
    const [slow, late] = isSavedByHand ? [one, await browser.copy()] : [other, await toOther(browser)]
    const saved = late.script(slow.url('/slow'))
    await handler.reached()
    t.equal((await logOut(one, browser)).status, 303)
    handler.open()
    t.equal((await saved).text, 'slow')
    const back = await late.copy({ [one.origin]: one.server })
    t.equal(store.logins.length, 1, isSavedByHand ? 'saved by a handler' : 'saved by another process')
    store.trouble = failingRemoval
    for (const request of [back.script(one.url('/add')), logOut(one, back)]) t.equal(errorCode(await request), 'LE_AUTH_STORE_UNAVAILABLE')
    store.trouble = () => undefined
    for (const visits of [1, 2, 3]) t.equal((await back.script(one.url('/add'))).text, String(visits))
    t.same(store.logins, [], 'whoever came by has removed it')
  }
})

t.test('a session that the store could not remove can still be written to', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } }, after: countingRoutes(gate(), false) })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/add'))).text, '1')
  store.trouble = failingRemoval
  t.equal(errorCode(await logOut(app, browser)), 'LE_AUTH_STORE_UNAVAILABLE')
  store.trouble = () => undefined
  for (const visits of [2, 3, 4]) t.equal((await browser.script(app.url('/add'))).text, String(visits))
})

t.test('so can one whose removal is under way and fails, and no second logout is called done meanwhile', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } }, after: countingRoutes(gate(), false) })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/add'))).text, '1')
  const again = await browser.copy()
  const removal = gate()
  store.trouble = call => isRemoval(call) ? { heldUntil: removal.pass(), fails: true } : undefined
  const first = logOut(app, browser)
  await removal.reached()
  const secondRemoval = gate()
  store.trouble = call => isRemoval(call) ? { heldUntil: secondRemoval.pass(), fails: true } : undefined
  const second = logOut(app, again)
  await secondRemoval.reached()
  for (const { open } of [removal, secondRemoval]) open()
  for (const answer of [first, second]) t.equal(errorCode(await answer), 'LE_AUTH_STORE_UNAVAILABLE')
  store.trouble = () => undefined
  t.equal((await again.script(app.url('/add'))).text, '2')
})

t.test('a visitor whose login fails at the removal of the session keeps what was written to it meanwhile', async t => {
  for (const path of ['/slow', '/add']) {
    const store = new TestStore()
    const handler = gate()
    const app = await startApp(t, { options: { session: { store } }, after: countingRoutes(handler, false) })
    const browser = app.browser()
    t.equal((await browser.script(app.url('/add'))).text, '1')
    const other = await browser.copy()
    const underWay = path === '/slow' ? other.script(app.url(path)) : undefined
    if (underWay !== undefined) await handler.reached()
    const callback = await upToCallback(app, browser)
    const removal = gate()
    store.trouble = call => isRemoval(call) ? { heldUntil: removal.pass(), fails: true } : undefined
    const login = browser.step(callback)
    await removal.reached()
    store.trouble = () => undefined
    const written = underWay ?? other.script(app.url(path))
    handler.open()
    await aMoment()
    removal.open()
    t.equal(errorCode(await login), 'LE_AUTH_STORE_UNAVAILABLE')
    const visits = path === '/slow' ? 100 : 2
    t.equal((await written).text, path === '/slow' ? 'slow' : '2')
    t.equal((await browser.script(app.url('/add'))).text, String(visits + 1))
  }
})

t.test('unless somebody else has removed it meanwhile', async t => {
  for (const failing of [0, 1]) {
    const store = new TestStore()
    const handler = gate()
    const app = await startApp(t, { options: { session: { store } }, after: countingRoutes(handler, false) })
    const visitor = app.browser()
    t.equal((await visitor.script(app.url('/add'))).text, '1')
    const [first, second] = [await visitor.copy(), await visitor.copy()]
    const slow = visitor.script(app.url('/slow'))
    await handler.reached()
    const callbacks = await Promise.all([first, second].map(browser => upToCallback(app, browser)))
    // Both logins remove the visitor's session; one fails at that, while the other one is at it.
    const removals = [gate(), gate()] as const
    let calls = 0
    store.trouble = call => {
      const index = isRemoval(call) ? calls++ : -1
      const removal = removals[index]
      return removal === undefined ? undefined : { heldUntil: removal.pass(), ...(index === failing && { fails: true }) }
    }
    const logins = [first.step(callbacks[0]!)]
    await removals[0].reached()
    handler.open()
    await aMoment()
    logins.push(second.step(callbacks[1]!))
    await removals[1].reached()
    removals[failing]!.open()
    await aMoment()
    removals[1 - failing]!.open()
    t.same((await Promise.all(logins)).map(({ status }) => status).sort(), [303, 503])
    t.same((await slow).setCookies, [])
  }
})

t.test('an answer that waits for a removal and is a stream that fails ends no process', async t => {
  const store = new TestStore()
  const handler = gate()
  const file = new Readable({ read () {} })
  const app = await startApp(t, { options: { session: { store } }, after: app => app.get('/file', async () => { await handler.pass(); return file }) })
  const browser = app.browser()
  await logIn(app, browser)
  const answer = (await browser.copy()).script(app.url('/file'))
  await handler.reached()
  const removal = gate()
  store.trouble = call => isRemoval(call) ? { heldUntil: removal.pass() } : undefined
  const logout = logOut(app, browser)
  await removal.reached()
  handler.open()
  await aMoment()
  file.destroy(new Error('the disk is away'))
  await aMoment()
  removal.open()
  t.equal((await answer).status, 500)
  t.equal((await logout).status, 303)
})
