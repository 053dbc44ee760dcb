import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { attack } from '../support/attack/attack.ts'
import { cookieHeader } from '../support/cookies.ts'
import { AGENT, enter, upToCallback } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'
import { TestStore } from '../support/stores.ts'

const SCRIPT = ['Accept: application/json', 'Sec-Fetch-Mode: cors']
const PERSON = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']
const HOSTS = [
  'http://evil.example',
  'https://evil.example:444',
  'http://localhost:3000',
  'HTTP://LOCALHOST'
]

attack(
  'SF6',
  'a request line in absolute form is authenticated like any other, and its ' +
    'host is no part of a return path',
  'RFC 9112 §3.2.2',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser)
    const request = (method: string, url: string, ...headers: string[]) =>
      rawRequest(stage, url, { method, headers })
    const cookie = `Cookie: ${await cookieHeader(stage, browser)}`
    for (const host of HOSTS) {
      const mine = await request('GET', `${host}/me`, cookie, ...SCRIPT)
      t.equal(mine.status, 200, `${host}: a user is let in`)
      t.match(mine.text, AGENT.id)
      t.equal(
        (await request('GET', `${host}/me`, ...SCRIPT)).status,
        401,
        `${host}: a visitor is not`
      )
      t.equal((await request('GET', `${host}/me`, 'Cookie: le-auth=chosen', ...SCRIPT)).status, 401)
      const page = await request('GET', `${host}/page/x?a=1`, ...PERSON)
      t.equal(page.status, 302)
      t.match(
        page.location,
        /^\/login(\?returnTo=%2F(page%2Fx%3Fa%3D1)?)?$/,
        'a visitor is redirected to the login'
      )
      t.equal((await request('POST', `${host}/change`, 'Content-Length: 0', ...SCRIPT)).status, 401)
      t.equal(
        (
          await request(
            'POST',
            `${host}/logout`,
            cookie,
            'Sec-Fetch-Site: cross-site',
            'Content-Length: 0'
          )
        ).status,
        403,
        `${host}: another site cannot log the user out`
      )
      t.ok((await request('GET', `${host}/callback?code=A&state=x`, ...PERSON)).status < 500)
    }
    t.equal(await stage.me(browser), AGENT.id)
  }
)

attack(
  'SF6',
  'a login and a logout in absolute form work like any other',
  'RFC 9112 §3.2.2',
  async (t, stage) => {
    const browser = stage.browser()
    const pending = new URL(await upToCallback(stage, browser))
    const finished = await rawRequest(stage, `http://evil.example/callback${pending.search}`, {
      headers: [`Cookie: ${await cookieHeader(stage, browser)}`, ...PERSON]
    })
    t.equal(`${finished.status} ${finished.location}`, '303 /')
    for (const line of finished.setCookies) await browser.jar.setCookie(line, stage.origin)
    t.equal(await stage.me(browser), AGENT.id)

    const left = await rawRequest(stage, 'http://evil.example/logout', {
      method: 'POST',
      headers: [
        `Cookie: ${await cookieHeader(stage, browser)}`,
        'Sec-Fetch-Site: same-origin',
        'Accept: text/html',
        'Content-Length: 0'
      ]
    })
    t.equal(`${left.status} ${left.location}`, '303 /')
    t.equal(await stage.me(browser), null)
    t.same([stage.exchanges(), stage.store.logins, stage.store.tokenSets], [1, [], []])
  }
)

attack(
  'SF6',
  'a login that begins in absolute form can be finished: its state is in the browser',
  'RFC 9112 §3.2.2',
  async (t, stage) => {
    const start = await rawRequest(stage, 'http://evil.example/login?returnTo=/page/x', {
      headers: PERSON
    })
    t.equal(start.status, 302)
    t.notMatch(start.head, 'evil')
    const browser = stage.browser()
    for (const line of start.setCookies) await browser.jar.setCookie(line, stage.origin)
    const response = await browser.step(
      await stage.sentinel.signIn(start.location!, AGENT.loginName)
    )
    t.equal(`${response.status} ${response.location}`, '303 /page/x')
  }
)

const appStore = new TestStore()
attack(
  'SF6',
  'a login does not depend on a path that the app’s own session plugin recognises',
  'RFC 3986 §6.2.2.2',
  async (t, stage) => {
    const browser = stage.browser()
    await browser.step(await upToCallback(stage, browser, '/app/login', AGENT))
    const cookie = `Cookie: ${await browser.jar.getCookieString(stage.url('/app/'))}`
    const ask = (line: string, ...headers: string[]) => {
      const [method, target] = line.split(' ')
      return rawRequest(stage, target!, {
        method: method!,
        headers: [...headers, ...SCRIPT, 'Sec-Fetch-Site: same-origin']
      })
    }

    for (const path of [
      '/app/who',
      '/%61pp/who',
      '/ap%70/who',
      'http://localhost:3000/app/who',
      'http://evil.example/%61pp/who'
    ]) {
      const response = await ask(`GET ${path}`, cookie)
      t.equal(response.status, 200, path)
      t.match(response.text, AGENT.id)
      t.equal((await ask(`GET ${path}`)).status, 401, `${path}: a stranger`)
    }
    t.equal((await ask('GET /%61pp/callback?code=A&state=x', cookie)).status, 400)
    t.equal((await ask('POST /%61pp/logout', cookie, 'Content-Length: 0')).status, 204)
    for (const path of ['/app/who', '/%61pp/who']) {
      t.equal((await ask(`GET ${path}`, cookie)).status, 401, `${path}: the logout was one`)
    }
    t.equal(stage.exchanges(), 1)
  },
  {
    callback: '/app/callback',
    options: { routes: { login: '/app/login', logout: '/app/logout' }, store: undefined },
    before: async app => {
      await app.register(cookie)
      await app.register(session, {
        secret: 'a secret of the app itself, of more than 32 characters',
        store: appStore,
        cookie: { secure: false, path: '/app' }
      })
    },
    after: app => {
      app.get('/app/who', { preHandler: app.requireAuth }, async request => request.leAuth!.user.id)
    }
  }
)
