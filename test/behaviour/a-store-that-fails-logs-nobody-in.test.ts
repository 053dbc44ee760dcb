import t, { type Test } from 'tap'
import { MemoryStore } from '../../lib/store/memory-store.ts'
import { startApp, type TestApp } from '../support/app.ts'
import type { Browser } from '../support/browser.ts'
import { errorCode, isAnonymous, isFreeOf } from '../support/checks.ts'
import { ADMIN, AGENT, logIn, logOut, upToCallback } from '../support/login.ts'
import {
  STORE_MESSAGE,
  STORE_PASSWORD,
  type StoreCall,
  type StoreTrouble,
  TestStore
} from '../support/stores.ts'

const DOWN = '503 LE_AUTH_STORE_UNAVAILABLE'

interface World {
  app: TestApp
  store: TestStore
}

async function appWithStore(t: Test, store = new TestStore()): Promise<World> {
  return {
    store,
    app: await startApp(t, {
      options: { store },
      after: app => {
        app.get('/fill', async request => {
          ;(request.session as any).cart = 'pen'
          return 'filled'
        })
        app.get('/out', { onRequest: app.requireAuth }, async request => request.leAuth!.logout())
      }
    })
  }
}

/** Makes one call fail, counted from now on. */
function failAt(store: TestStore, index: number, trouble: StoreTrouble): void {
  const at = store.calls.length + index
  store.trouble = call => (call.index === at ? trouble : undefined)
}

const heal = (store: TestStore): void => {
  store.trouble = () => undefined
}

/** No response and no log line contains the store's error message. */
function isSilent(t: Test, app: TestApp, browser: Browser): void {
  const responses = browser.history
    .map(response => response.text + JSON.stringify(response.headers))
    .join('\n')
  isFreeOf(
    t,
    responses,
    [STORE_MESSAGE, STORE_PASSWORD, 'redis.internal'],
    "no response has the store's message"
  )
  isFreeOf(
    t,
    app.logLines.join(''),
    [STORE_MESSAGE, STORE_PASSWORD, 'redis.internal'],
    'no log line has that message'
  )
}

/** The store's calls while this work is done. */
async function callsOf(store: TestStore, work: () => Promise<unknown>): Promise<StoreCall[]> {
  const before = store.calls.length
  await work()
  return store.calls.slice(before)
}

const words = ({ operation, kind }: StoreCall): string => `${operation} ${kind}`

/** The browsers that a callback may come from, each prepared for it. */
const beginnings: Array<[what: string, prepare: (world: World) => Promise<Browser>]> = [
  ['a new browser', async ({ app }) => app.browser()],
  [
    'a browser with a session of the app',
    async ({ app }) => {
      const browser = app.browser()
      await browser.script(app.url('/fill'))
      return browser
    }
  ],
  [
    'a browser where another user is logged in',
    async ({ app }) => {
      const browser = app.browser()
      await logIn(app, browser, ADMIN)
      // Only the app's own cookie is kept, so that Sentinel shows its login page.
      const cookie = (await browser.jar.getCookies(app.url('/'))).find(
        cookie => cookie.key === 'le-auth'
      )!
      const fresh = app.browser()
      await fresh.jar.setCookie(`le-auth=${cookie.value}; Path=/`, app.url('/'))
      return fresh
    }
  ]
]

for (const [what, prepare] of beginnings) {
  t.test(`A store that fails once during a login logs nobody in: ${what}.`, async t => {
    const measured = await appWithStore(t)
    const measuring = await prepare(measured)
    const callback = await upToCallback(measured.app, measuring)
    const calls = await callsOf(measured.store, () => measuring.step(callback))
    t.ok(
      calls.some(call => call.operation === 'set' && call.kind === 'login'),
      `calls: ${calls.map(words).join(', ')}`
    )

    for (const trouble of ['error', 'throw'] as const) {
      for (const [index, call] of calls.entries()) {
        // The last call only records that the login is finished. Its failure must not undo the
        // login.
        if (index === calls.length - 1) continue
        await t.test(`The store fails by ${trouble} at ${words(call)} (${index}).`, async t => {
          const world = await appWithStore(t)
          const { app, store } = world
          const browser = await prepare(world)
          const callback = await upToCallback(app, browser)
          const before = { tokenSets: store.tokenSets, logins: store.logins }
          failAt(store, index, trouble)
          const response = await browser.step(callback)
          heal(store)
          t.equal(`${response.status} ${errorCode(response)}`, DOWN)
          const inRoute = index >= calls.findIndex(({ kind }) => kind === 'used state')
          if (inRoute) {
            t.match(response.headers['content-type'], 'text/html', 'the response is a page')
          }
          t.ok(
            app.calls('token') <= (what.includes('another user') ? 2 : 1),
            'the code is exchanged at most once'
          )
          t.same(
            store.tokenSets.filter(id => !before.tokenSets.includes(id)),
            [],
            'no tokens of the failed login'
          )
          t.same(
            store.logins.filter(id => !before.logins.includes(id)),
            [],
            'no record of the failed login'
          )
          const me = await browser.script(app.url('/me'))
          t.not(me.status === 200 && me.json().id, AGENT.id, 'that user is not logged in')
          isSilent(t, app, browser)
          t.equal((await logIn(app, app.browser())).status, 200, 'the next login works')
        })
      }
    }
  })
}

t.test('A login succeeds even if the store fails to record that it is finished.', async t => {
  const { app, store } = await appWithStore(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  store.trouble = call =>
    call.kind === 'used state' && call.operation === 'set' && store.logins.length > 0
      ? 'error'
      : undefined
  t.equal((await browser.step(callback)).status, 303)
  heal(store)
  t.equal((await browser.script(app.url('/me'))).status, 200)
})

t.test('A store that is down logs nobody in and nobody out.', async t => {
  for (const trouble of ['error', 'throw'] as const) {
    const { app, store } = await appWithStore(t)
    const user = app.browser()
    await logIn(app, user)
    const visitor = app.browser()
    const callback = await upToCallback(app, visitor)
    store.trouble = () => trouble

    t.equal(
      (await app.browser().step(app.url('/login'))).status,
      302,
      'a login can begin without the store'
    )
    t.equal(
      (await app.browser().navigate(app.url('/'))).text,
      'hello stranger',
      'visitors need no store'
    )
    const failed = await visitor.step(callback)
    t.equal(`${failed.status} ${errorCode(failed)}`, DOWN, `${trouble}: callback`)
    t.equal(app.calls('token'), 1, 'the failed callback exchanged no code')
    for (const path of ['/me', '/', '/callback?state=x', '/login']) {
      const response = await user.script(app.url(path))
      t.equal(
        `${response.status} ${errorCode(response)}`,
        DOWN,
        `${trouble}: ${path} of a logged-in user`
      )
    }
    isSilent(t, app, user)
    isSilent(t, app, visitor)

    heal(store)
    t.equal(
      (await user.script(app.url('/me'))).json().id,
      AGENT.id,
      'the outage does not log the user out'
    )
    await isAnonymous(t, app, visitor)
  }
})

t.test(
  'The error for a session that cannot be saved after a request says nothing about the store.',
  async t => {
    const { app, store } = await appWithStore(t)
    const browser = app.browser()
    for (const trouble of ['error', 'throw'] as const) {
      store.trouble = call => (call.operation === 'set' ? trouble : undefined)
      const response = await browser.script(app.url('/fill'))
      t.equal(`${response.status} ${errorCode(response)}`, DOWN, trouble)
      isSilent(t, app, browser)
    }
  }
)

t.test('A login fails if the store loses one of its writes.', async t => {
  for (const kind of ['token set', 'login'] as const) {
    const { app, store } = await appWithStore(t)
    const browser = app.browser()
    const callback = await upToCallback(app, browser, '/login?returnTo=/page/one')
    store.trouble = call => (call.operation === 'set' && call.kind === kind ? 'lost' : undefined)
    const response = await browser.step(callback)
    // If such a login counted as a success, the browser would be redirected in a loop.
    t.equal(`${response.status} ${errorCode(response)}`, DOWN, kind)
    heal(store)
    await isAnonymous(t, app, browser, `${kind}: nobody is logged in`)
  }
})

t.test('A slow store makes a login slow, not wrong.', async t => {
  const { app, store } = await appWithStore(t)
  store.trouble = () => ({ delayMs: 30 })
  const browser = app.browser()
  t.equal((await logIn(app, browser, AGENT, '/page/one')).text, 'page /page/one')
  const responses = await Promise.all(
    Array.from({ length: 5 }, () => browser.script(app.url('/me')))
  )
  t.same(
    responses.map(response => response.status),
    [200, 200, 200, 200, 200]
  )
})

/** Damage that a store, or an attacker who can write to it, may do to a record. */
const damages: Array<[what: string, record: (record: any) => unknown]> = [
  ['nothing', () => ({})],
  ['only a cookie', ({ cookie }) => ({ cookie })],
  ['null', record => ({ ...record, leAuth: null })],
  ['a number', record => ({ ...record, leAuth: 5 })],
  ['an object', record => ({ ...record, leAuth: {} })],
  ['an empty text', record => ({ ...record, leAuth: '' })],
  ['a text that was never sealed', record => ({ ...record, leAuth: '{"accountId":"12345678"}' })],
  ['a sealed text that was cut', record => ({ ...record, leAuth: record.leAuth.slice(0, -3) })],
  [
    'a sealed text with a letter changed',
    record => ({
      ...record,
      leAuth: record.leAuth.replace(/.(?=.{30}$)/, (letter: string) => (letter === 'A' ? 'B' : 'A'))
    })
  ],
  [
    'another algorithm',
    record => ({
      ...record,
      leAuth: record.leAuth.replace(
        /^[^.]*/,
        Buffer.from('{"alg":"dir","enc":"A128GCM"}').toString('base64url')
      )
    })
  ]
]

/** An app, and another process with the same store, which knows only what the store says. */
async function withOtherProcess(
  t: Test
): Promise<World & { other: TestApp; there: (browser: Browser) => Promise<Browser> }> {
  const world = await appWithStore(t)
  const other = await startApp(t, { sentinel: world.app.sentinel, options: { store: world.store } })
  return { ...world, other, there: browser => browser.copy({ [other.origin]: other.server }) }
}

t.test('PB3 A damaged login record counts as no login in any process.', async t => {
  const { app, store, other, there } = await withOtherProcess(t)
  for (const [what, damage] of damages) {
    store.records.clear()
    const browser = app.browser()
    await logIn(app, browser)
    store.rewrite(store.logins[0]!, damage)
    await isAnonymous(t, app, browser, `${what}: in the process that made the login`)
    await isAnonymous(t, other, await there(browser), `${what}: in another process`)
    t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger', what)
  }
})

t.test(
  'PB3 A login whose token record is gone or invalid does not count in a process that does ' +
    'not know its tokens.',
  async t => {
    const { app, store, other, there } = await withOtherProcess(t)
    for (const [what, damage] of damages.filter(
      ([, damage]) => typeof (damage({ leAuth: 'a text' }) as any).leAuth !== 'string'
    )) {
      const browser = app.browser()
      await logIn(app, browser)
      store.rewrite(store.tokenSets.at(-1)!, damage)
      await isAnonymous(t, other, await there(browser), what)
    }
  }
)

t.test('PB3 A record of one login does not work for another login.', async t => {
  const { app, store, other, there } = await withOtherProcess(t)
  const admin = app.browser()
  await logIn(app, admin, ADMIN)
  const [ofAdmin, tokensOfAdmin] = [store.logins[0]!, store.tokenSets[0]!]
  const agent = app.browser()
  await logIn(app, agent)
  const [ofAgent, tokensOfAgent] = [store.logins[1]!, store.tokenSets[1]!]
  const own = store.records.get(ofAgent)!
  store.records.set(ofAgent, store.records.get(ofAdmin)!)
  for (const [at, browser] of [
    [app, agent],
    [other, await there(agent)]
  ] as const) {
    await isAnonymous(t, at, browser)
  }
  store.records.set(ofAgent, own)
  store.records.set(tokensOfAgent, store.records.get(tokensOfAdmin)!)
  const response = await (await there(agent)).script(other.url('/token'))
  t.equal(response.status, 401, 'the tokens of another login cannot be decrypted')
})

t.test('PB3 A stored value that is not a record counts as no record.', async t => {
  for (const kind of ['token set', 'login'] as const) {
    for (const record of ['a text', '', 5, true, [], undefined]) {
      const { app, store, other, there } = await withOtherProcess(t)
      const browser = app.browser()
      await logIn(app, browser)
      store.trouble = call =>
        call.operation === 'get' && call.kind === kind ? { record } : undefined
      await isAnonymous(t, other, await there(browser), `${kind} ${JSON.stringify(record)}`)
      heal(store)
    }
  }
})

t.test(
  'A stored value that is not a session record counts as an empty session, and the login ' +
    'still works.',
  async t => {
    const { app, store } = await appWithStore(t)
    const browser = app.browser()
    await logIn(app, browser)
    await browser.script(app.url('/fill'))
    for (const record of [undefined, null, {}, []]) {
      store.trouble = call =>
        call.operation === 'get' && call.kind === 'session' ? { record } : undefined
      t.equal((await browser.script(app.url('/me'))).status, 200, JSON.stringify(record))
    }
  }
)

t.test(
  'Tokens that were changed in the store cannot be decrypted, and the login ends with one ' +
    'warning.',
  async t => {
    for (const [what, change] of damages.filter(
      ([, damage]) => typeof (damage({ leAuth: 'a text' }) as any).leAuth === 'string'
    )) {
      for (const path of ['/token', '/users']) {
        const { app, store, other, there } = await withOtherProcess(t)
        const browser = app.browser()
        await logIn(app, browser)
        store.rewrite(store.tokenSets[0]!, change)
        const copy = await there(browser)
        const responses = await Promise.all([1, 2, 3].map(() => copy.script(other.url(path))))
        t.match(
          responses.map(response => `${response.status} ${errorCode(response)}`).join(),
          /^(401 LE_AUTH_(SESSION_ENDED|LOGIN_REQUIRED),?){3}$/,
          `${what}: ${path}`
        )
        for (const [at, each] of [
          [other, copy],
          [app, browser]
        ] as const) {
          await isAnonymous(t, at, each)
        }
        t.equal(app.calls('users') + app.calls('refresh'), 0)
        t.equal(other.events().filter(event => event.reason === 'not_sealed_here').length, 1)
        t.same([store.logins, store.tokenSets], [[], []])
      }
    }
  }
)

t.test('LO6 A logout that the store fails to carry out is not reported as done.', async t => {
  const measured = await appWithStore(t)
  const measuring = measured.app.browser()
  await logIn(measured.app, measuring)
  await measuring.script(measured.app.url('/fill'))
  const calls = await callsOf(measured.store, () => logOut(measured.app, measuring))
  t.ok(
    calls.filter(({ operation }) => operation === 'destroy').length >= 3,
    `calls: ${calls.map(words).join(', ')}`
  )
  for (const trouble of ['error', 'throw'] as const) {
    for (const path of ['/logout', '/out']) {
      for (const [index, call] of calls.entries()) {
        const { app, store } = await appWithStore(t)
        const browser = app.browser()
        await logIn(app, browser)
        await browser.script(app.url('/fill'))
        failAt(store, index, trouble)
        const response =
          path === '/out'
            ? await browser.script(app.url(path))
            : await browser.step(app.url(path), { method: 'POST', form: {}, from: app.url('/') })
        t.equal(
          `${response.status} ${errorCode(response)}`,
          DOWN,
          `${path}: ${trouble} at ${words(call)}`
        )
        t.equal(response.location, undefined)
        heal(store)
        isSilent(t, app, browser)
        t.equal((await logOut(app, browser)).status, 303, 'the retry works')
        await isAnonymous(t, app, browser)
        t.same(
          [...store.records.keys()].filter(id => /^le-auth:(?!state:)/.test(id)),
          [],
          'the retry leaves nothing of the login'
        )
      }
    }
  }
})

t.test(
  'LO6 A logout that the store carries out at the second try removes the app’s session too.',
  async t => {
    const { app, store } = await appWithStore(t)
    const browser = app.browser()
    await logIn(app, browser)
    await browser.script(app.url('/fill'))
    store.trouble = call =>
      call.operation === 'destroy' && call.kind === 'login' ? 'error' : undefined
    const response = await logOut(app, browser)
    t.equal(`${response.status} ${errorCode(response)}`, DOWN)
    heal(store)
    t.equal((await logOut(app, browser)).status, 303)
    t.notMatch([...store.records.values()].join(), 'pen')
  }
)

t.test('A store that reports "not found" as an error does not count as failing.', async t => {
  const { app, store } = await appWithStore(t)
  const get = store.get.bind(store)
  store.get = (id, callback) =>
    get(id, (error, record) => {
      if (error === null && (record ?? null) === null) {
        callback(Object.assign(new Error('no such record'), { code: 'ENOENT' }))
      } else callback(error, record)
    })
  const browser = app.browser()
  t.equal((await logIn(app, browser)).status, 200)
  store.records.clear()
  await isAnonymous(t, app, browser)
})

/** A file store that reports a missing record as ENOENT. */
class FileStore extends MemoryStore {
  override get(id: string, callback: Parameters<MemoryStore['get']>[1]): void {
    super.get(id, (_error, session) =>
      session
        ? callback(null, session)
        : callback(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
    )
  }

  override destroy(id: string, callback: Parameters<MemoryStore['destroy']>[1]): void {
    super.get(id, (_error, session) =>
      session
        ? super.destroy(id, callback)
        : callback(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
    )
  }
}

t.test(
  'A store that reports "not found" when it removes a record does not ' + 'count as failing.',
  async t => {
    const store = new FileStore(1000, Date.now)
    const app = await startApp(t, { options: { store } })
    const browser = app.browser()
    t.equal((await logIn(app, browser, undefined, '/page/there')).text, 'page /page/there')
    await browser.submit(app.url('/logout'), {})
    t.equal((await browser.script(app.url('/me'))).status, 401)
  }
)

/** A store that cannot write, and fails with its own error. */
class DownStore extends MemoryStore {
  readonly #error: Error

  constructor(error: Error) {
    super(1000, Date.now)
    this.#error = error
  }

  override set(_id: string, _session: object, callback: Parameters<MemoryStore['set']>[2]): void {
    callback(this.#error)
  }
}

t.test('The log contains only the code of the store’s own error.', async t => {
  const errors = [
    [Object.assign(new Error(STORE_MESSAGE), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new Error(STORE_MESSAGE), 'Error']
  ] as const
  for (const [error, reason] of errors) {
    const store = new DownStore(error)
    const app = await startApp(t, { options: { store } })
    t.equal(errorCode(await logIn(app, app.browser())), 'LE_AUTH_STORE_UNAVAILABLE')
    t.match(app.events().at(-1), {
      event: 'login_failed',
      code: 'LE_AUTH_STORE_UNAVAILABLE',
      reason
    })
    t.notMatch(app.logLines.join(''), STORE_PASSWORD)
  }
})
