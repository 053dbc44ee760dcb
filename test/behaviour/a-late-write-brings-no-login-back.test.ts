import { Readable } from 'node:stream'
import t from 'tap'
import { type Setting, startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.ts'
import { logIn, logOut, upToCallback } from '../support/login.ts'
import { isTokenWrite, TestStore } from '../support/stores.ts'
import { twoApps } from '../support/two-apps.ts'
import { gate, type Gate, hold } from '../support/wait.ts'

for (const form of [{}, { revoke: 'true' }]) {
  t.test(
    `A refresh that finishes after a logout ${JSON.stringify(form)} in another process logs ` +
      'nobody back in, even if the read that would show the logout fails.',
    async t => {
      const { one, other, store, clock, toOther } = await twoApps(t)
      const browser = one.browser()
      await logIn(one, browser)
      const [before, there] = [await browser.copy(), await toOther(browser)]
      clock.advance(61 * MINUTE)
      const writing = gate()
      let failures = 0
      store.trouble = call => {
        if (isTokenWrite(call)) return { heldUntil: writing.pass() }
        if (call.operation !== 'get' || call.kind !== 'login' || store.logins.length > 0) {
          return undefined
        }
        failures += 1
        return 'error'
      }
      const late = browser.script(one.url('/me'))
      await writing.reached()
      t.equal((await logOut(other, there, form)).status, 303)
      writing.open()
      t.equal(errorCode(await late), 'LE_AUTH_STORE_UNAVAILABLE')
      t.ok(failures > 0, 'the read after the write failed')
      store.trouble = () => undefined
      for (const minutes of [0, 6]) {
        clock.advance(minutes * MINUTE)
        for (const [app, copy] of [
          [one, before],
          [one, browser],
          [other, await there.copy()]
        ] as const) {
          t.equal((await copy.script(app.url('/me'))).status, 401)
        }
      }
      t.same(store.logins, [])
    }
  )
}

/** A store whose client times out on a write. The write is carried out later all the same. */
class HastyStore extends TestStore {
  hasty = false
  #held: Array<() => void> = []

  override set(...[id, session, callback]: Parameters<TestStore['set']>): void {
    if (!this.hasty || !id.startsWith('le-auth:tokens:')) return super.set(id, session, callback)
    this.#held.push(() => super.set(id, session, () => {}))
    callback(Object.assign(new Error(), { code: 'ETIMEDOUT' }))
  }

  carryOut(): void {
    for (const write of this.#held) write()
  }
}

t.test(
  'Tokens written after a logout, and a session that a slow request saves after it, log ' +
    'nobody back in.',
  async t => {
    const clock = new Clock()
    const store = new HastyStore()
    const handler = gate()
    const app = await startApp(t, {
      options: { now: clock.now, store, idleLifetime: 8 * HOUR },
      emulator: { now: clock.now },
      after: app =>
        app.get('/slow', async ({ session }) => {
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
    t.same(
      [store.tokenSets.length > 0, store.logins],
      [true, []],
      'the tokens are back in the store, and the login is not'
    )
    // What the process keeps in its own memory expires before the two hours have passed.
    for (const hours of [0.1, 2]) {
      clock.advance(hours * HOUR)
      t.equal((await before.script(app.url('/me'))).status, 401, `after ${hours} hours`)
    }
  }
)

/** A route that writes to the session once the gate opens, and one that shows the session. */
function slowRoutes(handler: Gate, isSavedByHand = false): NonNullable<Setting['after']> {
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
  t.test(
    `Session data ${isSavedByHand ? 'saved by hand' : 'written'} by a slow request of an ` +
      'earlier login is shown to nobody, and the next login stays.',
    async t => {
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
      t.same(
        [late.text, late.setCookies],
        ['slow', []],
        'the late response sets no cookie: the browser has newer ones'
      )
      t.equal((await browser.script(app.url('/me'))).status, 200)
      for (const each of [browser, before]) {
        t.notMatch((await each.script(app.url('/session'))).text, 'private')
      }
      t.equal((await before.script(app.url('/me'))).status, 401)
      for (const visits of [1, 2, 3]) {
        t.equal(
          (await browser.script(app.url('/add'))).text,
          String(visits),
          'the new session lasts'
        )
      }
    }
  )
}

t.test(
  'A slow response to a visitor who has logged in meanwhile changes neither the login nor ' +
    'its session.',
  async t => {
    const handler = gate()
    const app = await startApp(t, { after: slowRoutes(handler) })
    const browser = app.browser()
    await browser.script(app.url('/add'))
    const slow = browser.script(app.url('/slow'))
    await handler.reached()
    await logIn(app, browser)
    for (const visits of [1, 2]) {
      t.equal((await browser.script(app.url('/add'))).text, String(visits))
    }
    handler.open()
    t.equal((await slow).text, 'slow')
    t.equal((await browser.script(app.url('/me'))).status, 200)
    t.notMatch((await browser.script(app.url('/session'))).text, 'private')
    t.equal((await browser.script(app.url('/add'))).text, '3', 'the session is unchanged')
  }
)

t.test(
  'A request that waited for a refresh of an earlier login leaves the cookies of the next ' +
    'login alone.',
  async t => {
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
  }
)

t.test(
  'A request that read its login, but not its tokens, before a logout is anonymous after it.',
  async t => {
    const { one, other, store, toOther } = await twoApps(t)
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    // This process does not know the login yet, so it reads the tokens too.
    const reading = gate()
    store.trouble = ({ operation, kind }) =>
      operation === 'get' && kind === 'token set' ? { heldUntil: reading.pass() } : undefined
    const slow = there.script(other.url('/me'))
    await reading.reached()
    store.trouble = () => undefined
    t.equal((await logOut(one, browser)).status, 303)
    reading.open()
    t.equal((await slow).status, 401)
  }
)

const isRemoval = ({ operation, kind }: { operation: string; kind: string }): boolean =>
  operation === 'destroy' && kind === 'session'

t.test(
  'A session that the store failed to remove brings no login back, and no second logout ' +
    'reports success meanwhile.',
  async t => {
    const store = new TestStore()
    const app = await startApp(t, { options: { store }, after: slowRoutes(gate()) })
    const browser = app.browser()
    await logIn(app, browser)
    t.equal((await browser.script(app.url('/add'))).text, '1')
    const again = await browser.copy()
    const removal = gate()
    store.trouble = call =>
      isRemoval(call) ? { heldUntil: removal.pass(), fails: true } : undefined
    const first = logOut(app, browser)
    await removal.reached()
    t.equal((await again.script(app.url('/me'))).status, 401)
    removal.open()
    t.equal(errorCode(await first), 'LE_AUTH_STORE_UNAVAILABLE')
    store.trouble = () => undefined
    for (const visits of [1, 2, 3]) {
      t.equal(
        (await again.script(app.url('/add'))).text,
        String(visits),
        'a visitor has a session of their own'
      )
    }
    t.equal((await again.script(app.url('/me'))).status, 401)
  }
)

t.test(
  'A visitor whose login fails because the session cannot be removed keeps the session data.',
  async t => {
    const store = new TestStore()
    const app = await startApp(t, { options: { store }, after: slowRoutes(gate()) })
    const browser = app.browser()
    t.equal((await browser.script(app.url('/add'))).text, '1')
    const callback = await upToCallback(app, browser)
    const removal = gate()
    store.trouble = call =>
      isRemoval(call) ? { heldUntil: removal.pass(), fails: true } : undefined
    const login = browser.step(callback)
    await removal.reached()
    store.trouble = () => undefined
    t.equal((await (await browser.copy()).script(app.url('/add'))).text, '2')
    removal.open()
    t.equal(errorCode(await login), 'LE_AUTH_STORE_UNAVAILABLE')
    t.equal((await browser.script(app.url('/add'))).text, '3')
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.same([store.logins, store.tokenSets], [[], []])
  }
)

t.test('A stream response that fails during a logout does not crash the process.', async t => {
  const store = new TestStore()
  const handler = gate()
  const file = new Readable({ read() {} })
  const app = await startApp(t, {
    options: { store },
    after: app =>
      app.get('/file', async () => {
        await handler.pass()
        return file
      })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const response = (await browser.copy()).script(app.url('/file')).catch(() => null)
  await handler.reached()
  const removal = gate()
  store.trouble = ({ operation, kind }) =>
    operation === 'destroy' && kind === 'login' ? { heldUntil: removal.pass() } : undefined
  const logout = logOut(app, browser)
  await removal.reached()
  handler.open()
  file.destroy(new Error('the disk is away'))
  await response
  removal.open()
  t.equal((await logout).status, 303)
  t.equal((await app.browser().navigate(app.url('/'))).text, 'hello stranger')
})
