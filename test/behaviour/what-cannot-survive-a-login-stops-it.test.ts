import cookie from '@fastify/cookie'
import session, { type FastifySessionOptions } from '@fastify/session'
import t, { type Test } from 'tap'
import { SECRET, startApp, type TestApp } from '../support/app.ts'
import { errorCode, isAnonymous } from '../support/checks.ts'
import { AGENT, enter, logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

/** An app whose session data are live objects: its store keeps whatever the app writes. */
async function appWithLiveSessions(
  t: Test,
  cart: unknown,
  options: Partial<FastifySessionOptions> = {}
): Promise<TestApp> {
  return startApp(t, {
    options: { session: { keep: ['cart'] } },
    before: async app => {
      await app.register(cookie)
      await app.register(session, { secret: SECRET, cookie: { secure: false }, ...options })
    },
    after: app => {
      app.get('/fill', async ({ session }) => Object.assign(session, { cart, a: 1 }) && 'filled')
      app.get('/session', async request => {
        const { sessionId, ...data } = request.session as any
        return { id: request.session.sessionId, keys: Object.keys(data), a: data.a }
      })
    }
  })
}

class Secretive {
  readonly #items = ['a book']

  toJSON(): string[] {
    return this.#items
  }
}

const uncopied: Array<[what: string, cart: unknown]> = [
  ['a function', () => {}],
  ['a function in an object', { items: [{ price: () => 1 }] }],
  ['a symbol', Symbol('cart')],
  ['a class with private fields', new Secretive()],
  ['a URL', new URL('https://app.example.com')]
]

for (const [what, cart] of uncopied) {
  t.test(`A login that cannot keep ${what} fails, and changes nothing.`, async t => {
    const app = await appWithLiveSessions(t, cart)
    const browser = app.browser()
    await browser.script(app.url('/fill'))
    const before = (await browser.script(app.url('/session'))).json()
    const failed = await enter(app, browser)
    t.equal(`${failed.status} ${errorCode(failed)}`, '500 LE_AUTH_SETUP_INVALID')
    t.equal(app.events().at(-1).reason, 'session_keep')
    t.notMatch(failed.text, /cart|session\.keep/, 'visitors are not told')
    t.match(app.events().at(-1).hint, /session\.keep names "cart", but .* cannot be copied/)
    await isAnonymous(t, app, browser)
    t.same((await browser.script(app.url('/session'))).json(), before)
    t.equal(before.a, 1)
  })
}

t.test('A login keeps a date, a map, an object and nothing.', async t => {
  for (const cart of [new Date(), new Map([[1, 2]]), { items: [1] }, null, undefined]) {
    const app = await appWithLiveSessions(t, cart)
    const browser = app.browser()
    await browser.script(app.url('/fill'))
    t.equal((await logIn(app, browser, AGENT, '/page/one')).text, 'page /page/one')
    t.ok((await browser.script(app.url('/session'))).json().keys.includes('cart'))
  }
})

t.test('A login whose new session would have the old id fails, and changes nothing.', async t => {
  const store = new TestStore()
  const app = await appWithLiveSessions(t, ['a book'], {
    store,
    idGenerator: request => `of the browser ${request?.headers['accept-language']}`
  })
  const browser = app.browser()
  await browser.script(app.url('/fill'))
  const before = (await browser.script(app.url('/session'))).json()
  const failed = await enter(app, browser)
  t.equal(`${failed.status} ${errorCode(failed)}`, '500 LE_AUTH_SETUP_INVALID')
  t.equal(app.events().at(-1).reason, 'session_id_repeated')
  t.match(app.events().at(-1).hint, /idGenerator of @fastify\/session .* Make each id random/)
  t.notMatch(failed.text, 'idGenerator', 'visitors are not told')
  await isAnonymous(t, app, browser)
  t.same((await browser.script(app.url('/session'))).json(), before)
  t.same([store.logins, store.tokenSets], [[], []], 'nothing of the login is left')
  t.equal(store.ids.filter(id => !id.startsWith('le-auth:')).length, 1, 'no session is new')
})
