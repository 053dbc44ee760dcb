import t from 'tap'
import { MemoryStore } from '../../lib/session/memory-store.js'
import type { LogoutEvent } from '../../lib/index.js'
import { AGENT, errorCode, logIn, logOut, startApp } from '../support/app.js'
import { SHORT_DEADLINE } from '../support/clock.js'
import { TestStore } from '../support/stores.js'
import { CountingStore } from '../support/counting-store.js'

t.test('POST /logout ends session and tokens, takes the cookie back and leads to a fixed path', async t => {
  const store = new CountingStore(new MemoryStore(1000, Date.now))
  const app = await startApp(t, { options: { session: { store }, logoutReturnPath: '/?bye' } })
  const browser = app.browser()
  await logIn(app, browser)
  const before = await browser.copy()
  const [answer] = [await browser.step(app.url('/logout?returnTo=//evil.example'), { method: 'POST', form: {}, from: app.url('/') })]
  t.equal(answer.status, 303)
  t.equal(answer.location, '/?bye')
  t.equal(answer.headers['cache-control'], 'no-store')
  t.match(answer.setCookies.join(), /^le-auth=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax$/)
  t.same(store.ids().filter(id => !/^le-auth:(state|ended):/.test(id)), [])
  t.equal((await before.script(app.url('/me'))).status, 401, 'the old cookie is worth nothing')
  t.same(await browser.cookieNames(app.origin), [])
  t.equal(app.calls('revoke'), 0)
  t.match(app.events().at(-1), { event: 'logout', userId: AGENT.id, revoked: null })
})

t.test('twice, or without a login, it leads to the same path', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  t.equal((await browser.submit(app.url('/logout'), {})).text, 'hello stranger')
  await logIn(app, browser)
  await browser.submit(app.url('/logout'), {})
  t.equal((await browser.submit(app.url('/logout'), {})).text, 'hello stranger')
})

t.test('only the app’s own pages can do it', async t => {
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

t.test('with revoke, LivePerson’s sessions end too', async t => {
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

t.test('a revocation that fails still logs out here, and is told, not called done', async t => {
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

t.test('without a refresh token there is nothing to revoke, and that is told too', async t => {
  const events: LogoutEvent[] = []
  const app = await startApp(t, { options: { onLogout: event => { events.push(event) } } })
  app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...answer }) => answer })
  const browser = app.browser()
  await logIn(app, browser)
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  t.match(events, [{ revoked: false, revocationError: { reason: 'no_refresh_token' } }])
  t.equal(app.calls('revoke'), 0)
})

t.test('onLogout may answer the request itself', async t => {
  const app = await startApp(t, { options: { onLogout: (_event, _request, reply) => reply.redirect('/bye', 303) } })
  const browser = app.browser()
  await logIn(app, browser)
  const answer = await logOut(app, browser)
  t.equal(answer.location, '/bye')
})

t.test('the app’s own route can do it through request.leAuth.logout', async t => {
  const app = await startApp(t, {
    after: app => app.post('/leave', { onRequest: app.requireAuth }, async (request) => {
      const { leAuth } = request
      const result = await leAuth!.logout({ revoke: true })
      return { ...result, after: request.leAuth, again: await leAuth!.logout().catch(error => error.code), expiresAt: leAuth!.expiresAt }
    })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const answer = await browser.script(app.url('/leave'), { method: 'POST' })
  t.same(answer.json(), { revoked: true, after: null, again: 'LE_AUTH_SESSION_ENDED', expiresAt: null })
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('a slow request of before cannot bring the login back', async t => {
  let release = (): void => {}
  const held = new Promise<void>(resolve => { release = resolve })
  const store = new CountingStore(new MemoryStore(1000, Date.now))
  const app = await startApp(t, {
    options: { session: { store } },
    after: app => app.get('/slow', { onRequest: app.requireAuth }, async ({ session }) => {
      await held
      Object.assign(session, { note: 'changed' })
      return 'slow'
    })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const before = await browser.copy()
  const slow = browser.script(app.url('/slow'))
  while (!app.logLines.some(line => line.includes('"/slow"'))) await new Promise(resolve => setTimeout(resolve, 5))
  await browser.submit(app.url('/logout'), {})
  release()
  t.equal((await slow).text, 'slow')
  for (const jar of [before, browser]) t.equal((await jar.script(app.url('/me'))).status, 401)
  t.same(store.records().filter(record => record?.leAuthTokenSet !== undefined), [])
})

t.test('onLogout has a session, empty and new, and what it puts there is kept', async t => {
  const app = await startApp(t, {
    options: { onLogout: (_event, { session }) => { Object.assign(session, { farewell: 'see you' }) } },
    after: app => app.get('/farewell', async ({ session, leAuth }) => ({ ...session, leAuth, cookie: undefined }))
  })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.submit(app.url('/logout'), {})).status, 200)
  t.same((await browser.script(app.url('/farewell'))).json(), { farewell: 'see you', leAuth: null })
})

for (const what of ['regenerate', 'destroy'] as const) {
  t.test(`a route of the app may ${what} the session first: the login ends all the same`, async t => {
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
