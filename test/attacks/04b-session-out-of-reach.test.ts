import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { AGENT } from '../support/app.js'
import { cookieHeader, enter, signedIn } from '../support/enter.js'
import { rawRequest } from '../support/raw-answer.js'
import { attack } from '../support/stage.js'
import { TestStore } from '../support/stores.js'

const SCRIPT = ['Accept: application/json', 'Sec-Fetch-Mode: cors']
const PERSON = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']

attack('SF6', 'a request line in absolute form is no way around the session', 'RFC 9112 §3.2.2', async (t, stage) => {
  const browser = stage.browser()
  await enter(stage, browser)
  const pending = new URL(await signedIn(stage, browser))
  const cookie = `Cookie: ${await cookieHeader(stage, browser)}`
  const ask = (method: string, path: string, ...headers: string[]) =>
    rawRequest(stage.raw, { line: `${method} http://evil.example${path} HTTP/1.1`, headers: [cookie, ...headers] })
  const before = [stage.exchanges(), stage.store.logins.length]

  t.equal((await ask('GET', '/me', ...SCRIPT)).status, 401)
  const page = await ask('GET', '/me', ...PERSON)
  t.equal(`${page.status} ${page.location}`, '302 /login', 'and the foreign address is no return path')
  t.equal((await ask('GET', '/users', ...SCRIPT)).status, 401)
  t.equal((await ask('GET', `/callback${pending.search}`, ...PERSON)).status, 400)
  t.equal((await ask('POST', '/logout', 'Sec-Fetch-Site: same-origin', 'Content-Length: 0')).status, 400)

  t.same([stage.exchanges(), stage.store.logins.length], before)
  t.equal(await stage.me(browser), AGENT.id, 'the session is as it was')
  t.equal((await browser.step(pending.href)).status, 303, 'and the login under way can be finished')
})

attack('SF6', 'a login that begins in absolute form can be finished: its state is in the browser', 'RFC 9112 §3.2.2', async (t, stage) => {
  const start = await rawRequest(stage.raw, { line: 'GET http://evil.example/login?returnTo=/page/x HTTP/1.1', headers: PERSON })
  t.equal(start.status, 302)
  t.notMatch(start.head, 'evil')
  const browser = stage.browser()
  for (const line of start.setCookies) await browser.jar.setCookie(line, stage.origin)
  const answer = await browser.step(await stage.sentinel.signIn(start.location!, AGENT.loginName))
  t.equal(`${answer.status} ${answer.location}`, '303 /page/x')
})

const appStore = new TestStore()
attack('SF6', 'a path that the session plugin does not recognise is no way around it either', 'RFC 3986 §6.2.2.2', async (t, stage) => {
  const browser = stage.browser()
  await browser.step(await signedIn(stage, browser, AGENT, '/app/login'))
  const cookie = `Cookie: ${await browser.jar.getCookieString(stage.url('/app/'))}`
  const ask = (line: string) => rawRequest(stage.raw, { line: `${line} HTTP/1.1`, headers: [cookie, ...SCRIPT, 'Sec-Fetch-Site: same-origin'] })

  t.equal((await ask('GET /app/who')).status, 200)
  for (const path of ['/%61pp/who', '/ap%70/who', 'http://localhost:3000/app/who']) t.equal((await ask(`GET ${path}`)).status, 401, path)
  t.equal((await ask('GET /%61pp/callback?code=A&state=x')).status, 400)
  t.equal((await ask('POST /%61pp/logout')).status, 400)
  t.equal((await ask('GET /app/who')).status, 200, 'still logged in')
  t.equal(stage.exchanges(), 1)
}, {
  callback: '/app/callback',
  options: { routes: { login: '/app/login', logout: '/app/logout' }, session: { store: undefined } },
  before: async app => {
    await app.register(cookie)
    await app.register(session, { secret: 'a secret of the app itself, of more than 32 characters', store: appStore, cookie: { secure: false, path: '/app' } })
  },
  after: app => { app.get('/app/who', { preHandler: app.requireAuth }, async request => request.leAuth!.user.id) }
})
