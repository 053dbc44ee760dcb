import t from 'tap'
import { errorCode, logIn, startApp, upToCallback, type Setting } from '../support/app.js'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.js'
import { until } from '../support/shifted.js'
import { TestStore, type StoreCall } from '../support/stores.js'
import { twoApps } from '../support/two-apps.js'

const isWrite = ({ operation, kind }: StoreCall): boolean => operation === 'set' && kind === 'token set'

for (const { form, note } of [{ form: {}, note: 'whole' }, { form: { revoke: 'true' }, note: 'whole' }, { form: {}, note: 'half lost' }]) {
  t.test(`two processes: a logout ${JSON.stringify(form)} at one, a refresh that ends after it at the other, whose look for the logout fails; its note is ${note}`, async t => {
    const { one, other, store, clock, toOther } = await twoApps(t)
    const browser = one.browser()
    await logIn(one, browser)
    const [before, there] = [await browser.copy(), await toOther(browser)]
    clock.advance(61 * MINUTE)
    let isWriting = false
    let isFailing = true
    store.trouble = call => {
      if (isWrite(call)) { isWriting = true; return { delayMs: 400 } }
      const isLookAfterLogout = call.operation === 'get' && call.kind === 'note of an end' && store.logins.length === 0
      if (!isFailing || !isLookAfterLogout) return undefined
      isFailing = false
      return 'error'
    }
    const late = browser.script(one.url('/me'))
    await until(() => isWriting)
    t.equal((await there.step(other.url('/logout'), { method: 'POST', form, from: other.url('/') })).status, 303)
    t.equal(errorCode(await late), 'LE_AUTH_STORE_UNAVAILABLE')
    t.notOk(isFailing, 'the look after the write failed')
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
  let isOpen = false
  let go = (): void => {}
  const app = await startApp(t, {
    options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR } },
    emulator: { now: clock.now },
    after: app => app.get('/slow', async request => {
      await new Promise<void>(resolve => { go = resolve; isOpen = true })
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
  await until(() => isOpen)
  store.hasty = true
  t.equal(errorCode(await browser.script(app.url('/me'))), 'LE_AUTH_STORE_UNAVAILABLE')
  store.hasty = false
  t.equal((await browser.step(app.url('/logout'), { method: 'POST', form: {}, from: app.url('/') })).status, 303)
  store.carryOut()
  go()
  t.equal((await slow).text, 'done')
  t.same([store.tokenSets.length, store.logins.length], [1, 1], 'both are back in the store')
  // What a process remembers for itself ends before that.
  for (const hours of [0.1, 2]) {
    clock.advance(hours * HOUR)
    t.equal((await before.script(app.url('/me'))).status, 401, `after ${hours} hours`)
  }
})

t.test('a slow answer of the login before gives its cookie to nobody, nor what it has kept', async t => {
  let isOpen = false
  let go = (): void => {}
  const app = await startApp(t, {
    after: app => {
      app.get('/slow', { onRequest: app.requireAuth }, async request => {
        await new Promise<void>(resolve => { go = resolve; isOpen = true })
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
  await until(() => isOpen)
  await browser.step(app.url('/logout'), { method: 'POST', form: {}, from: app.url('/') })
  await browser.navigate(app.url('/login'))
  go()
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
  let isOpen = false
  let go = (): void => {}
  sentinel.next('refresh', { change: async answer => { await new Promise<void>(resolve => { go = resolve; isOpen = true }); return answer } })
  const waiting = browser.script(one.url('/me'))
  await until(() => isOpen)
  await browser.navigate(one.url('/login'))
  t.equal((await browser.script(one.url('/me'))).status, 200)
  clock.advance(SECOND)
  go()
  const late = await waiting
  t.same([late.status, late.setCookies], [401, []])
  t.equal((await browser.script(one.url('/me'))).status, 200)
})

t.test('nor does a slow answer that ends while the next login is under way', async t => {
  const store = new TestStore()
  let isOpen = false
  let go = (): void => {}
  const app = await startApp(t, {
    options: { session: { store } },
    after: app => {
      app.get('/slow', { onRequest: app.requireAuth }, async request => {
        await new Promise<void>(resolve => { go = resolve; isOpen = true })
        Object.assign(request.session, { lastSearch: 'private' })
        return 'done'
      })
    }
  })
  const browser = app.browser()
  await logIn(app, browser)
  const slow = browser.script(app.url('/slow'))
  await until(() => isOpen)
  // The session of before is gone, and the rest of the login takes a while.
  store.trouble = ({ operation, kind }) => {
    if (operation === 'destroy' && kind === 'session') setTimeout(go, 30)
    return { delayMs: 60 }
  }
  await browser.navigate(app.url('/login'))
  t.same((await slow).setCookies, [])
  store.trouble = () => undefined
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.notMatch([...store.records.values()].join(''), 'private')
})

t.test('nor does one that had loaded its session, and not its tokens, when the logout came', async t => {
  const store = new TestStore()
  let go: (() => void) | undefined
  const app = await startApp(t, {
    options: { session: { store } },
    after: app => app.get('/search', async ({ session, leAuth }) => {
      await new Promise<void>(resolve => { go = resolve })
      Object.assign(session, { search: 'private' })
      return String(leAuth?.user.id)
    })
  })
  const browser = app.browser()
  await logIn(app, browser)
  let isReading = false
  store.trouble = ({ operation, kind }) => {
    if (operation !== 'get' || kind !== 'token set' || isReading) return undefined
    isReading = true
    return { delayMs: 300 }
  }
  const slow = browser.script(app.url('/search'))
  await until(() => isReading)
  t.equal((await browser.step(app.url('/logout'), { method: 'POST', form: {}, from: app.url('/') })).status, 303)
  await browser.navigate(app.url('/login'))
  await until(() => go !== undefined)
  go!()
  const late = await slow
  t.same([late.text, late.setCookies], ['undefined', []])
  t.equal((await browser.script(app.url('/me'))).status, 200, 'the next login stays')
  t.notMatch([...store.records.values()].join(''), 'private')
})

t.test('nor does a slow answer to the visitor who has logged in meanwhile', async t => {
  let go: (() => void) | undefined
  const app = await startApp(t, {
    after: app => {
      app.get('/cart', async ({ session }) => { Object.assign(session, { cart: 1 }); return 'one' })
      app.get('/slow-cart', async ({ session }) => {
        await new Promise<void>(resolve => { go = resolve })
        Object.assign(session, { cart: 2 })
        return 'two'
      })
    }
  })
  const browser = app.browser()
  await browser.script(app.url('/cart'))
  const slow = browser.script(app.url('/slow-cart'))
  await until(() => go !== undefined)
  await logIn(app, browser)
  go!()
  const late = await slow
  t.same([late.text, late.setCookies], ['two', []])
  t.equal((await browser.script(app.url('/me'))).status, 200)
})

/** A route that counts in the session, and one that saves it as late as told. */
function countingRoutes (go: { now?: () => void }, isSavedByHand: boolean): NonNullable<Setting['after']> {
  return app => {
    app.get('/add', async ({ session }) => {
      const { visits = 0 } = session as { visits?: number }
      Object.assign(session, { visits: visits + 1 })
      return visits + 1
    })
    app.get('/slow', async ({ session }) => {
      await new Promise<void>(resolve => { go.now = resolve })
      Object.assign(session, { visits: 100 })
      if (isSavedByHand) await session.save()
      return 'slow'
    })
  }
}

t.test('what a handler or another process has saved again is no session where it was removed, goes again, and keeps nobody from a new one', async t => {
  for (const isSavedByHand of [true, false]) {
    const go: { now?: () => void } = {}
    const { one, other, store, toOther } = await twoApps(t, {}, {}, { after: countingRoutes(go, isSavedByHand) })
    const browser = one.browser()
    await logIn(one, browser)
    const [slow, late] = isSavedByHand ? [one, await browser.copy()] : [other, await toOther(browser)]
    const saved = late.script(slow.url('/slow'))
    await until(() => go.now !== undefined)
    t.equal((await browser.step(one.url('/logout'), { method: 'POST', form: {}, from: one.url('/') })).status, 303)
    go.now!()
    t.equal((await saved).text, 'slow')
    const back = await late.copy({ [one.origin]: one.server })
    t.equal(store.logins.length, 1, 'it is back in the store')
    store.trouble = ({ operation }) => operation === 'destroy' ? 'error' : undefined
    t.equal((await (await back.copy()).script(one.url('/add'))).text, '1', 'a store that cannot remove it keeps nobody waiting')
    t.equal(store.logins.length, 1)
    store.trouble = () => undefined
    for (const visits of [1, 2, 3]) t.equal((await back.script(one.url('/add'))).text, String(visits), isSavedByHand ? 'saved by a handler' : 'saved by another process')
    t.same(store.logins, [], 'whoever came by has removed it')
  }
})

t.test('a session that the store could not remove can still be written to', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } }, after: countingRoutes({}, false) })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/add'))).text, '1')
  store.trouble = ({ operation, kind }) => operation === 'destroy' && kind === 'session' ? 'error' : undefined
  t.equal(errorCode(await browser.step(app.url('/logout'), { method: 'POST', form: {}, from: app.url('/') })), 'LE_AUTH_STORE_UNAVAILABLE')
  store.trouble = () => undefined
  for (const visits of [2, 3, 4]) t.equal((await browser.script(app.url('/add'))).text, String(visits))
})

t.test('unless somebody else has removed it meanwhile', async t => {
  const store = new TestStore()
  const go: { now?: () => void } = {}
  const app = await startApp(t, { options: { session: { store } }, after: countingRoutes(go, false) })
  const visitor = app.browser()
  t.equal((await visitor.script(app.url('/add'))).text, '1')
  const [first, second] = [await visitor.copy(), await visitor.copy()]
  const slow = visitor.script(app.url('/slow'))
  await until(() => go.now !== undefined)
  const callbacks = await Promise.all([first, second].map(browser => upToCallback(app, browser)))
  // Both logins remove the visitor's session; the one that is later fails at that.
  let removals = 0
  store.trouble = ({ operation, kind }) => operation === 'destroy' && kind === 'session' && ++removals === 2 ? 'error' : undefined
  const answers = await Promise.all([first.step(callbacks[0]!), second.step(callbacks[1]!)])
  t.same(answers.map(({ status }) => status).sort(), [303, 503])
  go.now!()
  t.same((await slow).setCookies, [])
})
