import t, { type Test } from 'tap'
import { MemoryStore } from '../../lib/store/memory-store.js'
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
  t.test(`A store that fails once while somebody logs in logs nobody in: ${what}.`, async t => {
    const measured = await appWithStore(t)
    const measuring = await prepare(measured)
    const callback = await upToCallback(measured.app, measuring)
    const calls = await callsOf(measured.store, () => measuring.step(callback))
    t.ok(calls.some(call => call.operation === 'set' && call.kind === 'login'), `calls: ${calls.map(words).join(', ')}`)

    for (const trouble of ['error', 'throw'] as const) {
      for (const [index, call] of calls.entries()) {
        // The last one only notes that the login is finished, which must not undo it.
        if (index === calls.length - 1) continue
        await t.test(`It fails by ${trouble} at ${words(call)} (${index}).`, async t => {
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
          t.same(store.tokenSets.filter(id => !before.tokenSets.includes(id)), [], 'no tokens of it')
          t.same(store.logins.filter(id => !before.logins.includes(id)), [], 'no login of it')
          const me = await browser.script(app.url('/me'))
          t.not(me.status === 200 && me.json().id, AGENT.id, 'that user is not logged in')
          isSilent(t, app, browser)
          t.equal((await logIn(app, app.browser())).status, 200, 'and the next login works')
        })
      }
    }
  })
}

t.test('A login that can only not be noted as finished is a login.', async t => {
  const { app, store } = await appWithStore(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  store.trouble = call => call.kind === 'spent state' && call.operation === 'set' && store.logins.length > 0 ? 'error' : undefined
  t.equal((await browser.step(callback)).status, 303)
  heal(store)
  t.equal((await browser.script(app.url('/me'))).status, 200)
})

t.test('While a store is down altogether nobody is logged in, and nobody is logged out.', async t => {
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

t.test('A session that cannot be saved after a request says nothing of the store.', async t => {
  const { app, store } = await appWithStore(t)
  const browser = app.browser()
  for (const trouble of ['error', 'throw'] as const) {
    store.trouble = call => call.operation === 'set' ? trouble : undefined
    const answer = await browser.script(app.url('/fill'))
    t.equal(`${answer.status} ${errorCode(answer)}`, DOWN, trouble)
    isSilent(t, app, browser)
  }
})

t.test('A write that the store loses is no login.', async t => {
  for (const kind of ['token set', 'login'] as const) {
    const { app, store } = await appWithStore(t)
    const browser = app.browser()
    const callback = await upToCallback(app, browser, '/login?returnTo=/page/one')
    store.trouble = call => call.operation === 'set' && call.kind === kind ? 'lost' : undefined
    const answer = await browser.step(callback)
    // A login that succeeds without anybody being logged in sends the browser round in circles.
    t.equal(`${answer.status} ${errorCode(answer)}`, DOWN, kind)
    heal(store)
    await isAnonymous(t, app, browser, `${kind}: nobody is logged in`)
  }
})

t.test('A slow store makes a login slow, not wrong.', async t => {
  const { app, store } = await appWithStore(t)
  store.trouble = () => ({ delayMs: 30 })
  const browser = app.browser()
  t.equal((await logIn(app, browser, AGENT, '/page/one')).text, 'page /page/one')
  const answers = await Promise.all(Array.from({ length: 5 }, () => browser.script(app.url('/me'))))
  t.same(answers.map(answer => answer.status), [200, 200, 200, 200, 200])
})

/** What a store may make of a record, or somebody who can write the store. */
const halves: Array<[what: string, record: (record: any) => unknown]> = [
  ['nothing', () => ({})],
  ['only a cookie', ({ cookie }) => ({ cookie })],
  ['null', record => ({ ...record, leAuth: null })],
  ['a number', record => ({ ...record, leAuth: 5 })],
  ['an object', record => ({ ...record, leAuth: {} })],
  ['an empty text', record => ({ ...record, leAuth: '' })],
  ['a text that was never sealed', record => ({ ...record, leAuth: '{"accountId":"12345678"}' })],
  ['a sealed text that was cut', record => ({ ...record, leAuth: record.leAuth.slice(0, -3) })],
  ['a sealed text with a letter changed', record => ({ ...record, leAuth: record.leAuth.replace(/.(?=.{30}$)/, (letter: string) => letter === 'A' ? 'B' : 'A') })],
  ['another algorithm', record => ({ ...record, leAuth: record.leAuth.replace(/^[^.]*/, Buffer.from('{"alg":"dir","enc":"A128GCM"}').toString('base64url')) })]
]

/** An app, and another on the same store, which knows of the logins what the store says and no more. */
async function withOtherProcess (t: Test): Promise<World & { other: TestApp, there: (browser: Browser) => Promise<Browser> }> {
  const world = await appWithStore(t)
  const other = await startApp(t, { sentinel: world.app.sentinel, options: { session: { store: world.store } } })
  return { ...world, other, there: browser => browser.copy({ [other.origin]: other.server }) }
}

t.test('PB3 Half a login is none, in any process.', async t => {
  const { app, store, other, there } = await withOtherProcess(t)
  for (const [what, half] of halves) {
    store.records.clear()
    const browser = app.browser()
    await logIn(app, browser)
    store.rewrite(store.logins[0]!, half)
    await isAnonymous(t, app, browser, `${what}: in the process that has made it`)
    await isAnonymous(t, other, await there(browser), `${what}: in another`)
    t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger', what)
  }
})

t.test('PB3 A login whose tokens are gone, or are no record, is none to a process that does not know them.', async t => {
  const { app, store, other, there } = await withOtherProcess(t)
  for (const [what, half] of halves.filter(([, half]) => typeof (half({ leAuth: 'a text' }) as any).leAuth !== 'string')) {
    const browser = app.browser()
    await logIn(app, browser)
    store.rewrite(store.tokenSets.at(-1)!, half)
    await isAnonymous(t, other, await there(browser), what)
  }
})

t.test('PB3 A record of one login is worth nothing to another.', async t => {
  const { app, store, other, there } = await withOtherProcess(t)
  const admin = app.browser()
  await logIn(app, admin, ADMIN)
  const [ofAdmin, tokensOfAdmin] = [store.logins[0]!, store.tokenSets[0]!]
  const agent = app.browser()
  await logIn(app, agent)
  const [ofAgent, tokensOfAgent] = [store.logins[1]!, store.tokenSets[1]!]
  const own = store.records.get(ofAgent)!
  store.records.set(ofAgent, store.records.get(ofAdmin)!)
  for (const [at, browser] of [[app, agent], [other, await there(agent)]] as const) await isAnonymous(t, at, browser)
  store.records.set(ofAgent, own)
  store.records.set(tokensOfAgent, store.records.get(tokensOfAdmin)!)
  const answer = await (await there(agent)).script(other.url('/token'))
  t.equal(answer.status, 401, 'nor do its tokens open')
})

t.test('PB3 What is no record at all is none.', async t => {
  for (const kind of ['token set', 'login'] as const) {
    for (const record of ['a text', '', 5, true, [], undefined]) {
      const { app, store, other, there } = await withOtherProcess(t)
      const browser = app.browser()
      await logIn(app, browser)
      store.trouble = call => call.operation === 'get' && call.kind === kind ? { record } : undefined
      await isAnonymous(t, other, await there(browser), `${kind} ${JSON.stringify(record)}`)
      heal(store)
    }
  }
})

t.test('What is no record of the app’s session is an empty one, and no fault of the login.', async t => {
  const { app, store } = await appWithStore(t)
  const browser = app.browser()
  await logIn(app, browser)
  await browser.script(app.url('/fill'))
  for (const record of [undefined, null, {}, []]) {
    store.trouble = call => call.operation === 'get' && call.kind === 'session' ? { record } : undefined
    t.equal((await browser.script(app.url('/me'))).status, 200, JSON.stringify(record))
  }
})

t.test('Tokens that somebody changed in the store do not open, and the login ends with one warning.', async t => {
  for (const [what, change] of halves.filter(([, half]) => typeof (half({ leAuth: 'a text' }) as any).leAuth === 'string')) {
    for (const path of ['/token', '/users']) {
      const { app, store, other, there } = await withOtherProcess(t)
      const browser = app.browser()
      await logIn(app, browser)
      store.rewrite(store.tokenSets[0]!, change)
      const elsewhere = await there(browser)
      const answers = await Promise.all([1, 2, 3].map(() => elsewhere.script(other.url(path))))
      t.match(answers.map(answer => `${answer.status} ${errorCode(answer)}`).join(), /^(401 LE_AUTH_(SESSION_ENDED|LOGIN_REQUIRED),?){3}$/, `${what}: ${path}`)
      for (const [at, who] of [[other, elsewhere], [app, browser]] as const) await isAnonymous(t, at, who)
      t.equal(app.calls('users') + app.calls('refresh'), 0)
      t.equal(other.events().filter(event => event.reason === 'not_sealed_here').length, 1)
      t.same([store.logins, store.tokenSets], [[], []])
    }
  }
})

t.test('LO6 A logout that the store does not take is not told as one.', async t => {
  const measured = await appWithStore(t)
  const measuring = measured.app.browser()
  await logIn(measured.app, measuring)
  await measuring.script(measured.app.url('/fill'))
  const calls = await callsOf(measured.store, () => logOut(measured.app, measuring))
  t.ok(calls.filter(({ operation }) => operation === 'destroy').length >= 3, `calls: ${calls.map(words).join(', ')}`)
  for (const trouble of ['error', 'throw'] as const) {
    for (const path of ['/logout', '/out']) {
      for (const [index, call] of calls.entries()) {
        const { app, store } = await appWithStore(t)
        const browser = app.browser()
        await logIn(app, browser)
        await browser.script(app.url('/fill'))
        failAt(store, index, trouble)
        const answer = path === '/out' ? await browser.script(app.url(path)) : await browser.step(app.url(path), { method: 'POST', form: {}, from: app.url('/') })
        t.equal(`${answer.status} ${errorCode(answer)}`, DOWN, `${path}: ${trouble} at ${words(call)}`)
        t.equal(answer.location, undefined)
        heal(store)
        isSilent(t, app, browser)
        t.equal((await logOut(app, browser)).status, 303, 'the next try works')
        await isAnonymous(t, app, browser)
        t.same([...store.records.keys()].filter(id => /^le-auth:(?!state:)/.test(id)), [], 'and leaves nothing of the login')
      }
    }
  }
})

t.test('LO6 A logout that the store took at the second try has removed the app’s session too.', async t => {
  const { app, store } = await appWithStore(t)
  const browser = app.browser()
  await logIn(app, browser)
  await browser.script(app.url('/fill'))
  store.trouble = call => call.operation === 'destroy' && call.kind === 'login' ? 'error' : undefined
  const answer = await logOut(app, browser)
  t.equal(`${answer.status} ${errorCode(answer)}`, DOWN)
  heal(store)
  t.equal((await logOut(app, browser)).status, 303)
  t.notMatch([...store.records.values()].join(), 'pen')
})

t.test('A store that says "not found" by an error is no failing store.', async t => {
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

t.test('Nor is one that does so when it removes a record.', async t => {
  const store = new FileStore(1000, Date.now)
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

t.test('Of the store’s own error, the log has the code alone.', async t => {
  const errors = [[Object.assign(new Error(STORE_MESSAGE), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'], [new Error(STORE_MESSAGE), 'Error']] as const
  for (const [error, reason] of errors) {
    const store = new DownStore(error)
    const app = await startApp(t, { options: { session: { store } } })
    t.equal(errorCode(await logIn(app, app.browser())), 'LE_AUTH_STORE_UNAVAILABLE')
    t.match(app.events().at(-1), { event: 'login_failed', code: 'LE_AUTH_STORE_UNAVAILABLE', reason })
    t.notMatch(app.logLines.join(''), STORE_PASSWORD)
  }
})
