import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { startSentinelEmulator } from '../../lib/emulator/index.ts'
import {
  LeAuthError,
  LoginRefused,
  type LeAuthOptions,
  type LoginErrorEvent,
  type LoginHook
} from '../../lib/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import type { PageResponse, Browser } from '../support/browser.ts'
import { errorCode, isAnonymous } from '../support/checks.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { Clock, MINUTE } from '../support/clock.ts'
import { ADMIN, AGENT, enter, logIn, upToCallback } from '../support/login.ts'
import { freePort } from '../support/servers.ts'

const COOKIE = 'le-auth.refused'
const BUTTON = /<form method="post" action="([^"]+)">\s*<button[^>]*>Log in as somebody else/

/** Refuses everybody but the administrator. */
const administratorsOnly: LoginHook = ({ user }) => {
  if (!user.isAdmin) throw new LoginRefused('Ask <Kim> for an invitation.')
}

function refusing(t: Test, options: LeAuthOptions = {}, clock = new Clock()): Promise<TestApp> {
  return startApp(t, {
    options: { onLogin: administratorsOnly, now: clock.now, ...options },
    emulator: { now: clock.now }
  })
}

/** Presses the button of the refusal page. */
function press({ url }: TestApp, browser: Browser, path = '/login'): Promise<PageResponse> {
  return browser.step(url(path), { method: 'POST', form: {}, from: url('/callback') })
}

/** Without the refresh token, there is nothing to revoke. */
const withoutRefreshToken = {
  change: ({ refresh_token: _dropped, ...response }: any) => response
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? '' : ', without JavaScript too'

  t.test(`A refused user presses a button, and somebody else logs in${how}.`, async t => {
    const browser = await launchChromium(t)
    if (browser === null) return
    const port = await freePort()
    const origin = `http://127.0.0.1:${port}`
    const app = await startApp(t, { origin, port, options: { onLogin: administratorsOnly } })
    const page = await (await browser.newContext({ javaScriptEnabled })).newPage()
    const complaints: string[] = []
    page.on('console', message => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text())
    })

    await page.goto(app.url('/page/here'))
    await signInOn(page, AGENT.loginName)
    const button = page.getByRole('button', { name: 'Log in as somebody else' })
    await button.waitFor()
    await page.goto(app.url('/page/here'))
    await button.waitFor()
    t.equal(app.calls('token'), 2, 'single sign-on logs the same user in, who is refused again')

    await button.click()
    await signInOn(page, ADMIN.loginName)
    await page.waitForURL(app.url('/page/here'))
    t.match(await page.textContent('body'), 'page /page/here')
    t.same(
      (await page.context().cookies()).filter(({ name }) => name === COOKIE),
      [],
      'nothing is left of the refused user'
    )
    t.same(complaints, [])
  })
}

t.test('A refusal logs nobody in, and the earlier login goes on.', async t => {
  const app = await refusing(t)
  const browser = app.browser()
  await logIn(app, browser, ADMIN)
  const page = await logIn(app, browser, AGENT, '/login?returnTo=/page/x')
  t.equal(`${page.status} ${errorCode(page)}`, '403 LE_AUTH_LOGIN_REFUSED')
  t.match(page.text, 'Ask &#60;Kim&#62; for an invitation.')
  t.match(page.text, /ends your LivePerson session[^.]*in all LivePerson applications/)
  t.equal(BUTTON.exec(page.text)?.[1], '/login?returnTo=%2Fpage%2Fx')
  t.equal((await browser.script(app.url('/me'))).json().id, ADMIN.id)
  const stranger = app.browser()
  await logIn(app, stranger, AGENT)
  await isAnonymous(t, app, stranger)
})

t.test('A refusal is logged as info with the user, and reported as a failed login.', async t => {
  const heard: unknown[] = []
  const hear = (message: unknown): number => heard.push(message)
  subscribe('fastify-le-auth:login:failed', hear)
  t.teardown(() => unsubscribe('fastify-le-auth:login:failed', hear))
  const app = await refusing(t)
  await enter(app, app.browser())
  const facts = { accountId: '12345678', code: 'LE_AUTH_LOGIN_REFUSED' }
  const lines = app.logLines.map(line => JSON.parse(line)).filter(({ leAuth }) => leAuth)
  t.match(lines.at(-1), { level: 30, msg: 'login refused' })
  t.same(lines.at(-1).leAuth, { event: 'login_failed', ...facts, userId: AGENT.id })
  t.same(heard, [{ ...facts, reason: undefined }])
  t.same(
    app.logLines.filter(line => JSON.parse(line).level > 30),
    []
  )
})

t.test('A hook that returns false refuses, and any other value is ignored.', async t => {
  let returned: unknown = false
  const app = await startApp(t, { options: { onLogin: async () => returned as boolean } })
  const page = await enter(app, app.browser())
  t.equal(`${page.status} ${errorCode(page)}`, '403 LE_AUTH_LOGIN_REFUSED')
  t.match(page.text, 'You have no access to this app. Ask its operator for access.')
  for (returned of [true, undefined, null, 0, '']) {
    t.equal((await enter(app, app.browser())).status, 303, String(returned))
  }
})

t.test(
  'LoginRefused is a LeAuthError, and the app’s own hook and error handler get it.',
  async t => {
    const events: LoginErrorEvent[] = []
    const app = await refusing(t, {
      onLoginError: event => {
        events.push(event)
      }
    })
    const browser = app.browser()
    const callback = await upToCallback(app, browser)
    const response = await browser.script(callback)
    t.match(response.json(), {
      statusCode: 403,
      code: 'LE_AUTH_LOGIN_REFUSED',
      message: 'Ask <Kim> for an invitation.'
    })
    const [{ error, canSwitchUser }] = events as [LoginErrorEvent]
    t.ok(error instanceof LeAuthError)
    t.ok(error instanceof LoginRefused)
    t.equal(canSwitchUser, true)
    await browser.step(app.url('/callback?state=x'))
    t.equal(events[1]?.canSwitchUser, false, 'no user is known')
  }
)

t.test('Without a usable refresh token, the page says to log out at LivePerson.', async t => {
  const app = await refusing(t)
  const tooLong = {
    change: (response: object) => ({ ...response, refresh_token: 'x'.repeat(3000) })
  }
  for (const fault of [withoutRefreshToken, tooLong]) {
    const browser = app.browser()
    const callback = await upToCallback(app, browser)
    app.sentinel.next('token', fault)
    const page = await browser.step(callback)
    t.equal(page.status, 403)
    t.match(page.text, 'log out at LivePerson first')
    t.notMatch(page.text, BUTTON)
    t.notOk((await browser.cookieNames(app.url('/'))).includes(COOKIE))
  }
})

t.test('A hook that has responded before it refuses gives the browser no cookie.', async t => {
  const app = await startApp(t, {
    options: {
      onLogin: (_event, _request, reply) => {
        reply.send('my own page')
        throw new LoginRefused()
      }
    }
  })
  const page = await enter(app, app.browser())
  t.equal(page.text, 'my own page')
  t.notMatch(page.setCookies.join(), COOKIE)
})

t.test('If LivePerson does not confirm the end, the page says to log out there.', async t => {
  const app = await refusing(t)
  const browser = app.browser()
  await enter(app, browser)
  app.sentinel.next('revoke', { status: 503 })
  const page = await press(app, browser, '/login?returnTo=/page/x')
  t.equal(`${page.status} ${errorCode(page)}`, '502 LE_AUTH_REVOCATION_FAILED')
  t.match(page.text, /Log out at LivePerson\s+first/)
  t.match(page.text, 'href="/login?returnTo=%2Fpage%2Fx"')
  t.match(app.events().at(-1), { event: 'revocation_failed', userId: AGENT.id, reason: 'http_503' })
  t.equal((await press(app, browser)).status, 200, 'the button works again')
})

t.test('The button works for ten minutes, for this app and from its own pages only.', async t => {
  const clock = new Clock()
  const app = await refusing(t, {}, clock)
  const browser = app.browser()
  await enter(app, browser)
  const foreign: Array<Record<string, string>> = [
    { 'sec-fetch-site': 'cross-site', origin: app.origin },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    {}
  ]
  for (const headers of foreign) {
    const response = await browser.send(app.url('/login'), { method: 'POST', headers })
    t.equal(`${response.status} ${errorCode(response)}`, '403 LE_AUTH_LOGOUT_CROSS_SITE')
    t.same(response.setCookies, [])
  }
  const copy = await browser.copy()
  const sentinel = await startSentinelEmulator()
  t.teardown(() => sentinel.close())
  const other = await startApp(t, { sentinel, options: { clientId: 'another-client' } })
  t.equal((await press(other, await browser.copy({ [other.origin]: other.server }))).status, 200)
  t.equal(other.calls('revoke'), 0, 'another client does not open the cookie')

  clock.advance(11 * MINUTE)
  const late = await press(app, copy)
  t.equal(late.headers.refresh, '0; url=/login', 'a login starts all the same')
  await press(app, app.browser())
  t.equal(app.calls('revoke'), 0)
})

t.test(
  'The button starts the login with its return path, and no path of another site.',
  async t => {
    const app = await refusing(t)
    const browser = app.browser()
    await enter(app, browser)
    const page = await press(app, browser, '/login?returnTo=/page/x')
    t.equal(page.headers.refresh, '0; url=/login?returnTo=%2Fpage%2Fx')
    t.equal(page.headers['cache-control'], 'no-store')
    t.equal(app.calls('revoke'), 1)
    t.notOk((await browser.cookieNames(app.url('/'))).includes(COOKIE))
    const evil = await press(app, browser, '/login?returnTo=https://evil.example/')
    t.equal(evil.headers.refresh, '0; url=/login')
  }
)

t.test('The login of somebody else clears what was kept of the refused user.', async t => {
  const app = await refusing(t)
  const browser = app.browser()
  await enter(app, browser)
  t.ok((await browser.cookieNames(app.url('/'))).includes(COOKIE))
  await enter(app, browser, ADMIN)
  t.same(await browser.cookieNames(app.url('/')), ['le-auth'])
})
