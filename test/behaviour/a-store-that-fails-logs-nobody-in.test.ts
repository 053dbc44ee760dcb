import t, { type Test } from 'tap'
import { MemoryStore } from '../../lib/session/memory-store.js'
import { isAnonymous, isFreeOf } from '../support/anonymous.js'
import { ADMIN, AGENT, errorCode, logIn, logOut, startApp, upToCallback, type TestApp } from '../support/app.js'
import type { Browser } from '../support/browser.js'
import { STORE_MESSAGE, STORE_PASSWORD, TestStore, type StoreCall, type StoreTrouble } from '../support/stores.js'

const DOWN = '503 LE_AUTH_STORE_UNAVAILABLE'

interface World { app: TestApp, store: TestStore }

async function appWithStore (t: Test, store = new TestStore()): Promise<World> {
  return {
    store,
    app: await startApp(t, {
      options: { session: { store } },
      after: app => {
        app.get('/fill', async request => { (request.session as any).cart = 'pen'; return 'filled' })
        app.get('/out', { onRequest: app.requireAuth }, async request => request.leAuth!.logout())
      }
    })
  }
}

/** Lets one call go wrong, counted from now on. */
function failAt (store: TestStore, index: number, trouble: StoreTrouble): void {
  const at = store.calls.length + index
  store.trouble = call => call.index === at ? trouble : undefined
}

const heal = (store: TestStore): void => { store.trouble = () => undefined }

/** Nothing that a store says is told to anybody. */
function isSilent (t: Test, app: TestApp, browser: Browser): void {
  const answers = browser.history.map(answer => answer.text + JSON.stringify(answer.headers)).join('\n')
  isFreeOf(t, answers, [STORE_MESSAGE, STORE_PASSWORD, 'redis.internal'], 'no answer has the store\'s message')
  isFreeOf(t, app.logLines.join(''), [STORE_MESSAGE, STORE_PASSWORD, 'redis.internal'], 'no log line has it')
}

/** The store's calls while a callback is answered, in words. */
async function callsOf (store: TestStore, work: () => Promise<unknown>): Promise<StoreCall[]> {
  const before = store.calls.length
  await work()
  return store.calls.slice(before)
}

const words = ({ operation, kind }: StoreCall): string => `${operation} ${kind}`

/** The browsers that a callback may come from, each ready for it. */
const beginnings: Array<[what: string, prepare: (world: World) => Promise<Browser>]> = [
  ['a new browser', async ({ app }) => app.browser()],
  ['a browser with a session of the app', async ({ app }) => {
    const browser = app.browser()
    await browser.script(app.url('/fill'))
    return browser
  }],
  ['a browser where somebody else is logged in', async ({ app }) => {
    const browser = app.browser()
    await logIn(app, browser, ADMIN)
    // Only the app's own cookie stays, so that Sentinel asks who it is.
    const cookie = (await browser.jar.getCookies(app.url('/'))).find(cookie => cookie.key === 'le-auth')!
    const fresh = app.browser()
    await fresh.jar.setCookie(`le-auth=${cookie.value}; Path=/`, app.url('/'))
    return fresh
  }]
]

for (const [what, prepare] of beginnings) {
  t.test(`a store that fails once while somebody logs in: ${what}`, async t => {
    const measured = await appWithStore(t)
    const measuring = await prepare(measured)
    const callback = await upToCallback(measured.app, measuring)
    const calls = await callsOf(measured.store, () => measuring.step(callback))
    const written = calls.findLastIndex(call => call.operation === 'set' && call.kind === 'session')
    t.ok(written > 0, `calls: ${calls.map(words).join(', ')}`)

    for (const trouble of ['error', 'throw'] as const) {
      for (const [index, call] of calls.entries()) {
        // The last one only notes that the login is finished, which must not undo it.
        if (index === calls.length - 1) continue
        await t.test(`${trouble} at ${words(call)} (${index})`, async t => {
          const world = await appWithStore(t)
          const { app, store } = world
          const browser = await prepare(world)
          const callback = await upToCallback(app, browser)
          const before = { tokenSets: store.tokenSets, logins: store.logins }
          failAt(store, index, trouble)
          const answer = await browser.step(callback)
          heal(store)
          t.equal(`${answer.status} ${errorCode(answer)}`, DOWN)
          const inRoute = index >= calls.findIndex(({ kind }) => kind === 'spent state')
          if (inRoute) t.match(answer.headers['content-type'], 'text/html', 'a page')
          t.ok(app.calls('token') <= (what.includes('somebody') ? 2 : 1), 'the code is exchanged once at most')
          t.same(store.tokenSets.filter(id => !before.tokenSets.includes(id)), [], 'no token set of it')
          t.same(store.logins.filter(id => !before.logins.includes(id)), [], 'no session of it')
          const me = await browser.script(app.url('/me'))
          t.not(me.status === 200 && me.json().id, AGENT.id, 'that user is not logged in')
          isSilent(t, app, browser)
          t.equal((await logIn(app, app.browser())).status, 200, 'and the next login works')
        })
      }
    }
  })
}

t.test('a login that can only not be noted as finished is a login', async t => {
  const { app, store } = await appWithStore(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  store.trouble = call => call.kind === 'spent state' && call.operation === 'set' && store.logins.length > 0 ? 'error' : undefined
  t.equal((await browser.step(callback)).status, 303)
  heal(store)
  t.equal((await browser.script(app.url('/me'))).status, 200)
})

t.test('a store that is down altogether', async t => {
  for (const trouble of ['error', 'throw'] as const) {
    const { app, store } = await appWithStore(t)
    const member = app.browser()
    await logIn(app, member)
    const visitor = app.browser()
    const callback = await upToCallback(app, visitor)
    store.trouble = () => trouble

    t.equal((await app.browser().step(app.url('/login'))).status, 302, 'a login can begin without it')
    t.equal((await app.browser().navigate(app.url('/'))).text, 'hello stranger', 'strangers need none')
    const failed = await visitor.step(callback)
    t.equal(`${failed.status} ${errorCode(failed)}`, DOWN, `${trouble}: callback`)
    t.equal(app.calls('token'), 1, 'no code was spent for nothing')
    for (const path of ['/me', '/', '/callback?state=x', '/login']) {
      const answer = await member.script(app.url(path))
      t.equal(`${answer.status} ${errorCode(answer)}`, DOWN, `${trouble}: ${path} of somebody who is logged in`)
    }
    isSilent(t, app, member)
    isSilent(t, app, visitor)

    heal(store)
    t.equal((await member.script(app.url('/me'))).json().id, AGENT.id, 'an outage is no logout')
    await isAnonymous(t, app, visitor)
  }
})

t.test('a session that cannot be saved after a request says nothing of the store', async t => {
  const { app, store } = await appWithStore(t)
  const browser = app.browser()
  for (const trouble of ['error', 'throw'] as const) {
    store.trouble = call => call.operation === 'set' ? trouble : undefined
    const answer = await browser.script(app.url('/fill'))
    t.equal(`${answer.status} ${errorCode(answer)}`, DOWN, trouble)
    isSilent(t, app, browser)
  }
})

t.test('a write that the store loses is no login', async t => {
  for (const [kind, expected] of [['token set', DOWN], ['session', undefined]] as const) {
    const { app, store } = await appWithStore(t)
    const browser = app.browser()
    const callback = await upToCallback(app, browser, '/login?returnTo=/page/one')
    store.trouble = call => call.operation === 'set' && call.kind === kind ? 'lost' : undefined
    const answer = await browser.step(callback)
    // A login that succeeds without anybody being logged in sends the browser round in circles.
    if (expected !== undefined) t.equal(`${answer.status} ${errorCode(answer)}`, expected, kind)
    heal(store)
    await isAnonymous(t, app, browser, `${kind}: nobody is logged in`)
  }
})

t.test('a slow store makes a login slow, not wrong', async t => {
  const { app, store } = await appWithStore(t)
  store.trouble = () => ({ delayMs: 30 })
  const browser = app.browser()
  t.equal((await logIn(app, browser, AGENT, '/page/one')).text, 'page /page/one')
  const answers = await Promise.all(Array.from({ length: 5 }, () => browser.script(app.url('/me'))))
  t.same(answers.map(answer => answer.status), [200, 200, 200, 200, 200])
})

const halves: Array<[what: string, record: (record: any) => unknown]> = [
  ['nothing', () => ({})],
  ['only a cookie', ({ cookie }) => ({ cookie })],
  ['null', () => ({ leAuthTokenSet: null })],
  ['a text', () => ({ leAuthTokenSet: 'x' })],
  ['an array', () => ({ leAuthTokenSet: [] })],
  ['no sealed tokens', record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, sealed: undefined } })],
  ['sealed tokens that are none', record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, sealed: 5 } })],
  ['no refreshAt', record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, refreshAt: null } })],
  ['no endsAt', record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, endsAt: undefined } })],
  ['endsAt a text', record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, endsAt: '4102444800000' } })],
  ['expiresAt a text', record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, expiresAt: 'soon' } })],
  ['an end that has been', record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, endsAt: Date.now() - 1 } })]
]

t.test('PB3 half a token set is none', async t => {
  const { app, store } = await appWithStore(t)
  for (const [what, half] of halves) {
    store.records.clear()
    const browser = app.browser()
    await logIn(app, browser)
    store.rewrite(store.tokenSets[0]!, half)
    await isAnonymous(t, app, browser, what)
    t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger', what)
  }
})

t.test('PB3 what is no record at all is none', async t => {
  for (const kind of ['token set', 'session'] as const) {
    for (const record of ['a text', '', 5, true, [], undefined]) {
      const { app, store } = await appWithStore(t)
      const browser = app.browser()
      await logIn(app, browser)
      store.trouble = call => call.operation === 'get' && call.kind === kind ? { record } : undefined
      await isAnonymous(t, app, browser, `${kind} ${JSON.stringify(record)}`)
      heal(store)
    }
  }
})

t.test('PB3 half a login in a session is none', async t => {
  const { app, store } = await appWithStore(t)
  for (const leAuth of [null, {}, 'x', 5, [], { user: { id: 'x' } }, { user: null, accountId: '1', tokenSetId: 'x', loggedInAt: 1, activeAt: 1 }]) {
    store.records.clear()
    const browser = app.browser()
    await logIn(app, browser)
    store.rewrite(store.logins[0]!, session => ({ ...session, leAuth }))
    await isAnonymous(t, app, browser, JSON.stringify(leAuth))
  }
  store.records.clear()
  const browser = app.browser()
  await logIn(app, browser)
  for (const missing of ['user', 'loggedInAt', 'activeAt', 'tokenSetId']) {
    const [id] = store.logins as [string]
    const whole = store.records.get(id)!
    store.rewrite(id, ({ leAuth: { [missing]: _dropped, ...rest }, ...session }) => ({ ...session, leAuth: rest }))
    await isAnonymous(t, app, browser, `without ${missing}`)
    store.records.set(id, whole)
  }
})

t.test('tokens that somebody changed in the store do not open, and the login ends with one warning', async t => {
  for (const change of [(text: string) => `${text.slice(0, -2)}AA`, () => 'x.y.z', () => '', (text: string) => text.replace(/^[^.]*/, Buffer.from('{"alg":"dir","enc":"A128GCM"}').toString('base64url')), () => 'eyJhbGciOiJub25lIn0.e30.']) {
    for (const path of ['/token', '/users']) {
      const { app, store } = await appWithStore(t)
      const browser = app.browser()
      await logIn(app, browser)
      store.rewrite(store.tokenSets[0]!, record => ({ ...record, leAuthTokenSet: { ...record.leAuthTokenSet, sealed: change(record.leAuthTokenSet.sealed) } }))
      const answers = await Promise.all([1, 2, 3].map(() => browser.script(app.url(path))))
      t.match(answers.map(answer => `${answer.status} ${errorCode(answer)}`).join(), /^(401 LE_AUTH_(SESSION_ENDED|LOGIN_REQUIRED),?){3}$/, path)
      await isAnonymous(t, app, browser)
      t.equal(app.calls('users') + app.calls('refresh'), 0)
      t.equal(app.events().filter(event => event.reason === 'not_sealed_here').length, 1)
      t.same(store.tokenSets, [])
    }
  }
})

t.test('LO6 a logout that the store does not take is not told as one', async t => {
  const measured = await appWithStore(t)
  const measuring = measured.app.browser()
  await logIn(measured.app, measuring)
  const calls = await callsOf(measured.store, () => logOut(measured.app, measuring))
  t.same(calls.map(words), ['get session', 'get token set', 'set note of an end', 'destroy token set', 'destroy session'])
  for (const trouble of ['error', 'throw'] as const) {
    for (const path of ['/logout', '/out']) {
      for (const [index, call] of calls.entries()) {
        const { app, store } = await appWithStore(t)
        const browser = app.browser()
        await logIn(app, browser)
        failAt(store, index, trouble)
        const answer = path === '/out' ? await browser.script(app.url(path)) : await browser.step(app.url(path), { method: 'POST', form: {}, from: app.url('/') })
        t.equal(`${answer.status} ${errorCode(answer)}`, DOWN, `${path}: ${trouble} at ${words(call)}`)
        t.equal(answer.location, undefined)
        heal(store)
        isSilent(t, app, browser)
        t.equal((await logOut(app, browser)).status, 303, 'the next try works')
        await isAnonymous(t, app, browser)
        t.same([store.tokenSets, store.logins], [[], []], 'and leaves nothing')
      }
    }
  }
})

t.test('a store says "not found" by an error too', async t => {
  const { app, store } = await appWithStore(t)
  const get = store.get.bind(store)
  store.get = (id, callback) => get(id, (error, record) => {
    if (error === null && (record ?? null) === null) callback(Object.assign(new Error('no such record'), { code: 'ENOENT' }))
    else callback(error, record)
  })
  const browser = app.browser()
  t.equal((await logIn(app, browser)).status, 200)
  store.records.clear()
  await isAnonymous(t, app, browser)
})

/** A store of files says ENOENT for what is not there. */
class FileStore extends MemoryStore {
  override get (id: string, callback: Parameters<MemoryStore['get']>[1]): void {
    super.get(id, (_error, session) => session ? callback(null, session) : callback(Object.assign(new Error('no such file'), { code: 'ENOENT' })))
  }

  override destroy (id: string, callback: Parameters<MemoryStore['destroy']>[1]): void {
    super.get(id, (_error, session) => session ? super.destroy(id, callback) : callback(Object.assign(new Error('no such file'), { code: 'ENOENT' })))
  }
}

t.test('a store that calls an absent record an error is no failing store', async t => {
  const store = new FileStore(1000, Date.now)
  t.teardown(() => store.close())
  const app = await startApp(t, { options: { session: { store } } })
  const browser = app.browser()
  t.equal((await logIn(app, browser, undefined, '/page/there')).text, 'page /page/there')
  await browser.submit(app.url('/logout'), {})
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

/** Cannot write, and says why in its own way. */
class DownStore extends MemoryStore {
  readonly #error: Error

  constructor (error: Error) {
    super(1000, Date.now)
    this.#error = error
  }

  override set (_id: string, _session: object, callback: Parameters<MemoryStore['set']>[2]): void {
    callback(this.#error)
  }
}

t.test('of the store’s own error, the log has the code alone', async t => {
  const errors = [[Object.assign(new Error(STORE_MESSAGE), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'], [new Error(STORE_MESSAGE), 'Error']] as const
  for (const [error, reason] of errors) {
    const store = new DownStore(error)
    t.teardown(() => store.close())
    const app = await startApp(t, { options: { session: { store } } })
    t.equal(errorCode(await logIn(app, app.browser())), 'LE_AUTH_STORE_UNAVAILABLE')
    t.match(app.events().at(-1), { event: 'login_failed', code: 'LE_AUTH_STORE_UNAVAILABLE', reason })
    t.notMatch(app.logLines.join(''), STORE_PASSWORD)
  }
})

t.test('a login without the id of its tokens is none, and the next one can be made', async t => {
  for (const tokenSetId of [null, 5, {}, undefined, '']) {
    const { app, store } = await appWithStore(t)
    const browser = app.browser()
    await logIn(app, browser)
    store.rewrite(store.logins[0]!, record => ({ ...record, leAuth: { ...record.leAuth, tokenSetId } }))
    t.equal((await browser.script(app.url('/'))).text, 'hello stranger', String(tokenSetId))
    await isAnonymous(t, app, browser)
    t.equal((await browser.step(app.url('/login'))).status, 302)
  }
})
