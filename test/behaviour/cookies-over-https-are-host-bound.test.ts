import { createHmac } from 'node:crypto'
import t from 'tap'
import type { CookieOptions } from '../../lib/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import type { PageResponse, Browser } from '../support/browser.ts'
import { isAnonymous } from '../support/checks.ts'
import { AGENT, logIn, logOut, upToCallback } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

const HTTPS = 'https://app.example.com'

interface SetCookie {
  name: string
  value: string
  attributes: Record<string, string>
}

function parsed(line: string): SetCookie {
  const [pair, ...rest] = line.split('; ')
  const [name, ...value] = pair!.split('=')
  const attributes = Object.fromEntries(
    rest.map(text => [text.split('=')[0]!, text.split('=').slice(1).join('=')])
  )
  return { name: name!, value: value.join('='), attributes }
}

/** The attributes of a cookie apart from its lifetime. */
function lasting({
  attributes: { Expires, 'Max-Age': maxAge, ...rest }
}: SetCookie): Record<string, string> {
  return rest
}

/**
 * The cookies of a transaction, of the login and of the app's session, as they were set and
 * cleared, and the mark of the logout.
 */
interface Flow {
  login: SetCookie
  ended: SetCookie
  begun: SetCookie
  left: SetCookie
  session: SetCookie
  gone: SetCookie
  mark: SetCookie
}

/** Logs in and out, and records each cookie that is set and cleared. */
async function flow(app: TestApp): Promise<Flow> {
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  const begun = browser.history.find(
    response => response.url.includes('/login') && response.url.startsWith(app.origin)
  )!
  const done = await browser.step(callback)
  const filled = await browser.step(app.url('/fill'))
  const out = await logOut(app, browser)
  const only = (response: PageResponse, name: RegExp): SetCookie => {
    const found = response.setCookies.map(parsed).filter(cookie => name.test(cookie.name))
    if (found.length !== 1) {
      throw new Error(`${found.length} cookies like ${name} in ${response.url}`)
    }
    return found[0]!
  }
  return {
    login: only(begun, /\.login\./),
    ended: only(done, /\.login\./),
    begun: only(done, /^(?!.*\.login\.)/),
    left: only(out, /(?<!\.session|\.logged-out)$/),
    session: only(filled, /./),
    gone: only(out, /\.session$/),
    mark: only(out, /\.logged-out$/)
  }
}

const cases: Array<
  [
    what: string,
    origin: string,
    cookie: CookieOptions,
    prefix: string,
    attributes: Record<string, string>
  ]
> = [
  [
    'over https',
    HTTPS,
    {},
    '__Host-le-auth',
    { Path: '/', HttpOnly: '', Secure: '', SameSite: 'Lax' }
  ],
  [
    'with a custom name',
    HTTPS,
    { name: 'desk' },
    '__Host-desk',
    { Path: '/', HttpOnly: '', Secure: '', SameSite: 'Lax' }
  ],
  [
    'with a domain',
    HTTPS,
    { domain: 'example.com' },
    '__Secure-le-auth',
    { Path: '/', HttpOnly: '', Secure: '', SameSite: 'Lax', Domain: 'example.com' }
  ],
  [
    'in a frame',
    HTTPS,
    { sameSite: 'none', partitioned: true },
    '__Host-le-auth',
    { Path: '/', HttpOnly: '', Secure: '', SameSite: 'None', Partitioned: '' }
  ],
  [
    'on localhost, over http',
    'http://localhost:3000',
    {},
    'le-auth',
    { Path: '/', HttpOnly: '', SameSite: 'Lax' }
  ]
]

for (const [what, origin, cookie, prefix, attributes] of cases) {
  t.test(`The cookies ${what} are set and cleared with the same attributes.`, async t => {
    const app = await startApp(t, {
      origin,
      options: { cookie },
      after: app => {
        app.get('/fill', async ({ session }) => {
          Object.assign(session, { cart: 'pen' })
          return 'filled'
        })
      }
    })
    const { login, ended, begun, left, session: ofApp, gone, mark } = await flow(app)
    t.match(login.name, new RegExp(`^${prefix}\\.login\\.[\\w-]{43}$`))
    t.equal(begun.name, prefix)
    t.equal(ofApp.name, `${prefix}.session`)
    t.equal(mark.name, `${prefix}.logged-out`)
    for (const cookie of [login, begun, ofApp, mark]) {
      t.same(lasting(cookie), attributes, cookie.name)
      t.not(cookie.value, '')
    }
    t.equal(login.attributes['Max-Age'], '3600')
    t.equal(
      begun.attributes['Max-Age'],
      String(8 * 3600),
      'the cookie lasts as long as the login can last at most'
    )
    t.equal(mark.attributes['Max-Age'], String(8 * 3600), 'as long as LivePerson’s own session')
    // A browser clears a cookie only if name, path, domain and partition match. It accepts a name
    // prefix only with the attributes that the prefix needs.
    for (const [cleared, set] of [
      [ended, login],
      [left, begun],
      [gone, ofApp]
    ] as const) {
      t.equal(cleared.name, set.name)
      t.same(
        lasting(cleared),
        attributes,
        `${cleared.name} is cleared with the attributes it was set with`
      )
      t.equal(cleared.value, '')
      t.ok(new Date(cleared.attributes.Expires!).getTime() < Date.now())
    }
  })
}

t.test('A browser stores the cookies over https and sends them back.', async t => {
  const app = await startApp(t, { origin: HTTPS })
  const browser = app.browser()
  t.equal((await logIn(app, browser)).status, 200)
  t.same(await browser.cookieNames(app.url('/')), ['__Host-le-auth'])
  t.same(await browser.cookieNames('http://app.example.com/'), [], 'never over http')
  t.same(await browser.cookieNames('https://other.example.com/'), [], 'not to a neighbouring host')
})

t.test('HH4 A request header cannot remove Secure from a cookie.', async t => {
  const app = await startApp(t, { origin: HTTPS })
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  const response = await browser.step(callback, { headers: { 'x-forwarded-proto': 'http' } })
  for (const line of response.setCookies) t.match(line, /; Secure/)
})

t.test(
  'The cookie of a pending login that a newer one displaces is cleared with its attributes.',
  async t => {
    const app = await startApp(t, { origin: HTTPS })
    const browser = app.browser()
    for (let i = 0; i < 5; i += 1) await browser.step(app.url('/login'))
    const sixth = await browser.step(app.url('/login'))
    const cleared = sixth.setCookies.map(parsed).filter(cookie => cookie.value === '')
    t.ok(cleared.length > 0)
    for (const cookie of cleared) {
      t.same(lasting(cookie), { Path: '/', HttpOnly: '', Secure: '', SameSite: 'Lax' })
    }
  }
)

/** Values that an attacker without the whole genuine value may put into a cookie. */
const planted = (genuine: string, name: string): Array<[what: string, cookie: string]> => [
  ['garbage', 'garbage'],
  ['a value of the right form', 'a'.repeat(43)],
  ['a value that was cut', genuine.slice(0, -2)],
  [
    'a value with a letter changed',
    genuine.slice(0, -2) + (genuine.at(-2) === 'A' ? 'B' : 'A') + genuine.at(-1)
  ],
  ['a value with an extra letter', `${genuine}A`],
  ['nothing', ''],
  ['8 KB', 'x'.repeat(8000)],
  ['a broken escape', '%E0%A4%A'],
  ['two, the first one planted', `garbage; ${name}=${genuine}x`]
]

t.test('SF3 Only a login that a callback has made is accepted.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { store } })
  const victim = app.browser()
  await logIn(app, victim)
  const [record] = store.logins as [string]
  const genuine = await valueOf(app, victim, 'le-auth')
  const fromTheStore: Array<[what: string, cookie: string]> = [
    ['the key of its record', record.split(':').at(-1)!],
    ['the whole key', record],
    ['the content of the record', JSON.parse(store.records.get(record)!).leAuth]
  ]
  for (const [what, value] of [...planted(genuine, 'le-auth'), ...fromTheStore]) {
    const me = await app
      .browser()
      .send(app.url('/me'), { headers: { cookie: `le-auth=${value}`, accept: 'application/json' } })
    t.equal(me.status, 401, what)
  }
  t.equal((await victim.script(app.url('/me'))).status, 200)

  const fixed = app.browser()
  await fixed.jar.setCookie(`le-auth=${'a'.repeat(43)}; Path=/`, app.url('/'))
  const before = await fixed.copy()
  await logIn(app, fixed, AGENT)
  t.equal((await fixed.script(app.url('/me'))).status, 200)
  t.notMatch(await fixed.jar.getCookieString(app.url('/')), 'aaaa', 'a planted cookie is replaced')
  await isAnonymous(t, app, before)
})

async function valueOf(app: TestApp, browser: Browser, name: string): Promise<string> {
  return (await browser.jar.getCookies(app.url('/'))).find(cookie => cookie.key === name)!.value
}

t.test('SF3 Only a session id that the app has issued is accepted.', async t => {
  const app = await startApp(t, {
    after: app => {
      app.get('/fill', async ({ session }) => {
        ;(session as any).cart = 'pen'
        return session.sessionId
      })
      app.get('/session', async ({ session }) => ({
        id: session.sessionId,
        cart: (session as any).cart ?? null
      }))
    }
  })
  const owner = app.browser()
  const id = (await owner.script(app.url('/fill'))).text
  const signed = (text: string, key: string): string =>
    `${text}.${createHmac('sha256', key).update(text).digest('base64').replace(/=+$/, '')}`
  const genuine = await valueOf(app, owner, 'le-auth.session')
  const forged: Array<[what: string, cookie: string]> = [
    ['a known id without a signature', id],
    [
      'a known id with another signature',
      encodeURIComponent(signed(id, 'another secret, of more than 32 characters'))
    ],
    [
      'a known id signed with the secret itself',
      encodeURIComponent(signed(id, 'a secret for tests, of more than 32 characters'))
    ],
    ['a known id with an empty signature', `${id}.`],
    ['another id under a good signature', genuine.replace(id, 'attacker-chosen')]
  ]
  t.ok(genuine.includes(id))
  for (const [what, value] of [...planted(genuine, 'le-auth.session'), ...forged]) {
    const response = await app.browser().send(app.url('/session'), {
      headers: { cookie: `le-auth.session=${value}`, accept: 'application/json' }
    })
    const session = response.json()
    t.equal(session.cart, null, `${what}: nothing of the session is shown`)
    t.notOk(
      [id, 'garbage', 'attacker-chosen', '', value].includes(session.id),
      `${what} is not adopted`
    )
  }
  t.equal((await owner.script(app.url('/session'))).json().cart, 'pen')
})

t.test('SF1 A login never keeps the session id from before it.', async t => {
  const store = new TestStore()
  const app = await startApp(t, {
    options: { store, session: { keep: ['cart' as never] } },
    after: app => {
      app.get('/fill', async ({ session }) => {
        ;(session as any).cart = 'pen'
        return session.sessionId
      })
      app.get('/session', async ({ session }) => ({
        id: session.sessionId,
        cart: (session as any).cart ?? null
      }))
    }
  })
  const browser = app.browser()
  const before = (await browser.script(app.url('/fill'))).text
  const old = await browser.copy()
  await logIn(app, browser)
  t.notOk(store.records.has(before), 'the old session is gone from the store')
  const after = (await browser.script(app.url('/session'))).json()
  t.equal(after.cart, 'pen')
  t.not(after.id, before)
  t.same((await old.script(app.url('/session'))).json().cart, null)
  await isAnonymous(t, app, old)
})
