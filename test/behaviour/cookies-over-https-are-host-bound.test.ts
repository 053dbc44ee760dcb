import { createHmac } from 'node:crypto'
import t from 'tap'
import type { SessionOptions } from '../../lib/index.js'
import { isAnonymous } from '../support/anonymous.js'
import { AGENT, logIn, logOut, startApp, upToCallback, type TestApp } from '../support/app.js'
import type { Answer, Browser } from '../support/browser.js'
import { TestStore } from '../support/stores.js'

const HTTPS = 'https://app.example.com'

interface SetCookie { name: string, value: string, attributes: Record<string, string> }

function parsed (line: string): SetCookie {
  const [pair, ...rest] = line.split('; ')
  const [name, ...value] = pair!.split('=')
  const attributes = Object.fromEntries(rest.map(text => [text.split('=')[0]!, text.split('=').slice(1).join('=')]))
  return { name: name!, value: value.join('='), attributes }
}

/** What an attribute set says apart from how long it lives. */
function lasting ({ attributes: { Expires, 'Max-Age': maxAge, ...rest } }: SetCookie): Record<string, string> {
  return rest
}

interface Flow { login: SetCookie, ended: SetCookie, session: SetCookie, left: SetCookie, browser: Browser }

/** Logs in and out, and notes each cookie that is set and cleared on the way. */
async function flow (app: TestApp): Promise<Flow> {
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  const begun = browser.history.find(answer => answer.url.includes('/login') && answer.url.startsWith(app.origin))!
  const done = await browser.step(callback)
  const out = await logOut(app, browser)
  const only = (answer: Answer, name: RegExp): SetCookie => {
    const found = answer.setCookies.map(parsed).filter(cookie => name.test(cookie.name))
    if (found.length !== 1) throw new Error(`${found.length} cookies like ${name} in ${answer.url}`)
    return found[0]!
  }
  return {
    browser, login: only(begun, /\.login\./), ended: only(done, /\.login\./), session: only(done, /^(?!.*\.login\.)/), left: only(out, /./)
  }
}

const cases: Array<[what: string, origin: string, session: SessionOptions, prefix: string, attributes: Record<string, string>]> = [
  ['over https', HTTPS, {}, '__Host-le-auth', { Path: '/', HttpOnly: '', Secure: '', SameSite: 'Lax' }],
  ['with a name of its own', HTTPS, { cookieName: 'desk' }, '__Host-desk', { Path: '/', HttpOnly: '', Secure: '', SameSite: 'Lax' }],
  ['with a domain', HTTPS, { cookie: { domain: 'example.com' } }, '__Secure-le-auth', { Path: '/', HttpOnly: '', Secure: '', SameSite: 'Lax', Domain: 'example.com' }],
  ['in a frame', HTTPS, { cookie: { sameSite: 'none', partitioned: true } }, '__Host-le-auth', { Path: '/', HttpOnly: '', Secure: '', SameSite: 'None', Partitioned: '' }],
  ['on this machine, over http', 'http://localhost:3000', {}, 'le-auth', { Path: '/', HttpOnly: '', SameSite: 'Lax' }]
]

for (const [what, origin, session, prefix, attributes] of cases) {
  t.test(`the cookies ${what}`, async t => {
    const app = await startApp(t, { origin, options: { session } })
    const { login, ended, session: begun, left } = await flow(app)
    t.match(login.name, new RegExp(`^${prefix}\\.login\\.[\\w-]{43}$`))
    t.equal(begun.name, prefix)
    for (const cookie of [login, begun]) {
      t.same(lasting(cookie), attributes, cookie.name)
      t.not(cookie.value, '')
    }
    t.equal(login.attributes['Max-Age'], '3600')
    // A browser clears a cookie only where name, path, domain and partition are the same, and takes a prefix only with its attributes.
    for (const [cleared, set] of [[ended, login], [left, begun]] as const) {
      t.equal(cleared.name, set.name)
      t.same(lasting(cleared), attributes, `${cleared.name} is cleared with the attributes it was set with`)
      t.equal(cleared.value, '')
      t.ok(new Date(cleared.attributes.Expires!).getTime() < Date.now())
    }
  })
}

t.test('a browser keeps these cookies and gives them back', async t => {
  const app = await startApp(t, { origin: HTTPS })
  const browser = app.browser()
  t.equal((await logIn(app, browser)).status, 200)
  t.same(await browser.cookieNames(app.url('/')), ['__Host-le-auth'])
  t.same(await browser.cookieNames('http://app.example.com/'), [], 'never over http')
  t.same(await browser.cookieNames('https://other.example.com/'), [], 'nor to a neighbour')
})

t.test('HH4 a header cannot take Secure away', async t => {
  const app = await startApp(t, { origin: HTTPS })
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  const answer = await browser.step(callback, { headers: { 'x-forwarded-proto': 'http' } })
  for (const line of answer.setCookies) t.match(line, /; Secure/)
})

t.test('a pending login that gives way is cleared with its attributes', async t => {
  const app = await startApp(t, { origin: HTTPS })
  const browser = app.browser()
  for (let i = 0; i < 5; i += 1) await browser.step(app.url('/login'))
  const sixth = await browser.step(app.url('/login'))
  const cleared = sixth.setCookies.map(parsed).filter(cookie => cookie.value === '')
  t.ok(cleared.length > 0)
  for (const cookie of cleared) t.same(lasting(cookie), { Path: '/', HttpOnly: '', Secure: '', SameSite: 'Lax' })
})

t.test('SF3 no session id but our own is taken', async t => {
  const store = new TestStore()
  const app = await startApp(t, {
    options: { session: { store } },
    after: app => { app.get('/fill', async request => { (request.session as any).seen = request.session.sessionId; return request.session.sessionId }) }
  })
  const victim = app.browser()
  await logIn(app, victim)
  const [id] = store.logins as [string]
  const signed = (text: string, key: string): string => `${text}.${createHmac('sha256', key).update(text).digest('base64').replace(/=+$/, '')}`
  const genuine = (await victim.jar.getCookies(app.url('/'))).find(cookie => cookie.key === 'le-auth')!.value
  const planted: Array<[what: string, cookie: string]> = [
    ['garbage', 'garbage'],
    ['a known id without a signature', id],
    ['a known id with another signature', encodeURIComponent(signed(id, 'another secret, of more than 32 characters'))],
    ['a known id signed with the secret itself', encodeURIComponent(signed(id, 'a secret for tests, of more than 32 characters'))],
    ['a known id with an empty signature', `${id}.`],
    ['a signature that was cut', genuine.slice(0, -2)],
    ['a signature with one letter changed', genuine.slice(0, -2) + (genuine.at(-2) === 'A' ? 'B' : 'A') + genuine.at(-1)],
    ['another id under a good signature', genuine.replace(id, 'attacker-chosen')],
    ['nothing', ''],
    ['8 KB', 'x'.repeat(8000)],
    ['a broken escape', '%E0%A4%A'],
    ['two, the first one planted', `garbage; le-auth=${genuine}x`]
  ]
  for (const [what, value] of planted) {
    const browser = app.browser()
    const cookie = `le-auth=${value}`
    const filled = await browser.send(app.url('/fill'), { headers: { cookie, accept: 'application/json' } })
    t.equal(filled.status, 200, what)
    t.not(filled.text, id)
    t.notOk(['garbage', 'attacker-chosen', '', value].includes(filled.text), `${what} is not adopted`)
    const me = await browser.send(app.url('/me'), { headers: { cookie, accept: 'application/json' } })
    t.equal(me.status, 401, `${what}: nobody is logged in`)
  }

  const fixed = app.browser()
  await fixed.jar.setCookie('le-auth=attacker-chosen; Path=/', app.url('/'))
  await logIn(app, fixed, AGENT)
  t.equal((await fixed.script(app.url('/me'))).status, 200)
  t.notOk(store.records.has('attacker-chosen'))
  t.notMatch((await fixed.jar.getCookieString(app.url('/'))), 'attacker-chosen')
})

t.test('SF1 a login never goes on with the session id of before', async t => {
  const store = new TestStore()
  const app = await startApp(t, {
    options: { session: { store } },
    after: app => { app.get('/fill', async request => { (request.session as any).cart = 'pen'; return request.session.sessionId }) }
  })
  const browser = app.browser()
  const before = (await browser.script(app.url('/fill'))).text
  const old = await browser.copy()
  await logIn(app, browser)
  t.notOk(store.records.has(before), 'the old one is gone from the store')
  t.equal(store.logins.length, 1)
  t.not(store.logins[0], before)
  await isAnonymous(t, app, old)
})
