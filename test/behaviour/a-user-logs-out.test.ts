import t from 'tap'
import { MemoryStore } from '../../lib/store/memory-store.js'
import type { LogoutEvent } from '../../lib/index.js'
import { AGENT, errorCode, logIn, logOut, startApp } from '../support/app.js'
import { SHORT_DEADLINE } from '../support/clock.js'
import { gate } from '../support/hold.js'
import { TestStore } from '../support/stores.js'
import { CountingStore } from '../support/counting-store.js'

t.test('POST /logout ends the login, its tokens and its session, clears both cookies and leads to a fixed path.', async t => {
  const store = new CountingStore(new MemoryStore(1000, Date.now))
  const app = await startApp(t, {
    options: { session: { store }, logoutReturnPath: '/?bye' },
    after: app => app.get('/fill', async ({ session }) => { Object.assign(session, { cart: 'pen' }); return 'filled' })
  })
  const browser = app.browser()
  await logIn(app, browser)
  await browser.script(app.url('/fill'))
  const before = await browser.copy()
  const [answer] = [await browser.step(app.url('/logout?returnTo=//evil.example'), { method: 'POST', form: {}, from: app.url('/') })]
  t.equal(answer.status, 303)
  t.equal(answer.location, '/?bye')
  t.equal(answer.headers['cache-control'], 'no-store')
  const cleared = '=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax'
  t.same([...answer.setCookies].sort(), [`le-auth.session${cleared}`, `le-auth${cleared}`])
  t.same(store.ids().filter(id => !id.startsWith('le-auth:state:')), [])
  t.equal((await before.script(app.url('/me'))).status, 401, 'the old cookie is worth nothing')
  t.same(await browser.cookieNames(app.origin), [])
  t.equal(app.calls('revoke'), 0)
  t.match(app.events().at(-1), { event: 'logout', userId: AGENT.id, revoked: null })
})

t.test('A logout that comes twice, or without a login, leads to the same path.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  t.equal((await browser.submit(app.url('/logout'), {})).text, 'hello stranger')
  await logIn(app, browser)
  await browser.submit(app.url('/logout'), {})
  t.equal((await browser.submit(app.url('/logout'), {})).text, 'hello stranger')
})

t.test('Only the app’s own pages can log out.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const refused: Array<Record<string, string>> = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: app.origin },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { referer: `${app.origin}/` },
    {}
  ]
  for (const headers of refused) {
    const answer = await browser.send(app.url('/logout'), { method: 'POST', headers })
    t.equal(answer.status, 403, JSON.stringify(headers))
    t.equal(errorCode(answer), 'LE_AUTH_LOGOUT_CROSS_SITE')
    t.same(answer.setCookies, [])
  }
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) t.equal((await browser.send(app.url('/logout'), { method })).status, 404, method)
  t.equal((await browser.script(app.url('/me'))).status, 200, 'still logged in')
  t.equal((await browser.send(app.url('/logout'), { method: 'POST', headers: { origin: app.origin } })).status, 303, 'a browser without Fetch Metadata')
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('With revoke, LivePerson’s sessions end too.', async t => {
  const events: LogoutEvent[] = []
  const app = await startApp(t, { options: { apiVersion: { token: '2.0' }, onLogout: event => { events.push(event) } } })
  for (const body of ['form', 'json']) {
    const browser = app.browser()
    await logIn(app, browser)
    app.sentinel.requests.length = 0
    if (body === 'form') await browser.submit(app.url('/logout'), { revoke: 'true' })
    else await app.app.inject({ method: 'POST', url: '/logout', payload: { revoke: true }, headers: { cookie: await browser.jar.getCookieString(app.origin), 'sec-fetch-site': 'same-origin' } })
    const [revocation] = app.sentinel.requests.filter(request => request.endpoint === 'revoke')
    t.equal(revocation?.path, '/sentinel/api/account/12345678/token/revoke')
    t.equal(revocation?.query.toString(), 'v=1.0')
    t.same([...revocation!.body!.keys()].sort(), ['client_id', 'client_secret', 'token'])
    t.match(events.at(-1), { user: { id: AGENT.id }, accountId: '12345678', revoked: true })
    t.match((await browser.navigate(app.url('/login'))).text, 'Sign in', 'the next login asks for the password again')
  }
})

t.test('A revocation that fails still logs out here, and is told, not called done.', async t => {
  const events: LogoutEvent[] = []
  const app = await startApp(t, { options: { httpTimeout: SHORT_DEADLINE, onLogout: event => { events.push(event) } } })
  const faults = [{ status: 503 }, { hang: true } as const, { status: 401, body: '{"error":"invalid_client"}' }, { cutOff: 'unprocessed' } as const]
  for (const fault of faults) {
    const browser = app.browser()
    await logIn(app, browser)
    app.sentinel.next('revoke', fault)
    t.equal((await browser.submit(app.url('/logout'), { revoke: 'true' })).text, 'hello stranger')
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.equal(events.at(-1)!.revoked, false)
    t.equal(events.at(-1)!.revocationError?.code, 'LE_AUTH_REVOCATION_FAILED')
    t.match(app.events().at(-1), { event: 'logout', revoked: false, code: 'LE_AUTH_REVOCATION_FAILED' })
  }
})

t.test('Without a refresh token there is nothing to revoke, and that is told too.', async t => {
  const events: LogoutEvent[] = []
  const app = await startApp(t, { options: { onLogout: event => { events.push(event) } } })
  app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...answer }) => answer })
  const browser = app.browser()
  await logIn(app, browser)
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  t.match(events, [{ revoked: false, revocationError: { reason: 'no_refresh_token' } }])
  t.equal(app.calls('revoke'), 0)
})

t.test('onLogout may answer the request itself.', async t => {
  const app = await startApp(t, { options: { onLogout: (_event, _request, reply) => reply.redirect('/bye', 303) } })
  const browser = app.browser()
  await logIn(app, browser)
  const answer = await logOut(app, browser)
  t.equal(answer.location, '/bye')
})

t.test('The app’s own route can log out through request.leAuth.logout.', async t => {
  const app = await startApp(t, {
    after: app => app.post('/leave', { onRequest: app.requireAuth }, async (request) => {
      const { leAuth } = request
      const result = await leAuth!.logout({ revoke: true })
      return { ...result, after: request.leAuth, again: await leAuth!.logout().catch(error => error.code), token: await leAuth!.getAccessToken().catch(error => error.code) }
    })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const answer = await browser.script(app.url('/leave'), { method: 'POST' })
  t.same(answer.json(), { revoked: true, after: null, again: 'LE_AUTH_SESSION_ENDED', token: 'LE_AUTH_SESSION_ENDED' })
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('A slow request of before cannot bring the login back.', async t => {
  const handler = gate()
  const store = new CountingStore(new MemoryStore(1000, Date.now))
  const app = await startApp(t, {
    options: { session: { store } },
    after: app => app.get('/slow', { onRequest: app.requireAuth }, async ({ session }) => {
      await handler.pass()
      Object.assign(session, { note: 'changed' })
      return 'slow'
    })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const before = await browser.copy()
  const slow = browser.script(app.url('/slow'))
  await handler.reached()
  await browser.submit(app.url('/logout'), {})
  handler.open()
  t.equal((await slow).text, 'slow')
  for (const jar of [before, browser]) t.equal((await jar.script(app.url('/me'))).status, 401)
  t.same(store.ids().filter(id => /^le-auth:(login|tokens):/.test(id)), [])
})

for (const hadSession of [false, true]) {
  t.test(`onLogout has a session, empty and new, and what it writes there is kept, where the login had ${hadSession ? 'a session' : 'none'}.`, async t => {
    const app = await startApp(t, {
      options: { onLogout: (_event, { session }) => { Object.assign(session, { farewell: 'see you' }) } },
      after: app => {
        app.get('/fill', async ({ session }) => { Object.assign(session, { cart: 'pen' }); return 'filled' })
        app.get('/farewell', async ({ session, leAuth }) => ({ ...session, leAuth, cookie: undefined }))
      }
    })
    const browser = app.browser()
    await logIn(app, browser)
    if (hadSession) await browser.script(app.url('/fill'))
    t.equal((await browser.submit(app.url('/logout'), {})).status, 200)
    t.same((await browser.script(app.url('/farewell'))).json(), { farewell: 'see you', leAuth: null })
  })
}

for (const what of ['regenerate', 'destroy'] as const) {
  t.test(`A route of the app may ${what} the session first, and the login ends all the same.`, async t => {
    const store = new TestStore()
    const app = await startApp(t, {
      options: { session: { store } },
      after: app => app.post('/bye', { onRequest: app.requireAuth }, async ({ session, leAuth }) => {
        await session[what]()
        return leAuth!.logout()
      })
    })
    const browser = app.browser()
    await logIn(app, browser)
    const before = await browser.copy()
    t.same((await browser.script(app.url('/bye'), { method: 'POST' })).json(), { revoked: null })
    t.same([store.tokenSets, store.logins], [[], []])
    for (const each of [browser, before]) t.equal((await each.script(app.url('/me'))).status, 401)
  })
}
