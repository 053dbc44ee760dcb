import t from 'tap'
import type { LogoutEvent } from '../../lib/index.ts'
import { startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { SHORT_DEADLINE } from '../support/clock.ts'
import { AGENT, logIn, logOut } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { gate } from '../support/wait.ts'

t.test(
  'POST /logout ends the login, its tokens and its session, clears both cookies and ' +
    'leads to a fixed path.',
  async t => {
    const store = new TestStore()
    const app = await startApp(t, {
      options: { store, returnTo: { afterLogout: '/?bye' } },
      after: app =>
        app.get('/fill', async ({ session }) => {
          Object.assign(session, { cart: 'pen' })
          return 'filled'
        })
    })
    const browser = app.browser()
    await logIn(app, browser)
    await browser.script(app.url('/fill'))
    const before = await browser.copy()
    const [response] = [
      await browser.step(app.url('/logout?returnTo=//evil.example'), {
        method: 'POST',
        form: {},
        from: app.url('/')
      })
    ]
    t.equal(response.status, 303)
    t.equal(response.location, '/?bye')
    t.equal(response.headers['cache-control'], 'no-store')
    const cleared =
      '=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax'
    t.same([...response.setCookies].sort(), [
      'le-auth.logged-out=1; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax',
      `le-auth.session${cleared}`,
      `le-auth${cleared}`
    ])
    t.same(
      store.ids.filter(id => !id.startsWith('le-auth:state:')),
      []
    )
    t.equal((await before.script(app.url('/me'))).status, 401, 'the old cookie is worth nothing')
    t.same(await browser.cookieNames(app.origin), ['le-auth.logged-out'])
    t.equal(app.calls('revoke'), 0)
    t.match(app.events().at(-1), { event: 'logout', userId: AGENT.id, revoked: null })
  }
)

t.test('A second logout, or one without a login, redirects to the same path.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  t.equal((await browser.submit(app.url('/logout'), {})).text, 'hello stranger')
  await logIn(app, browser)
  await browser.submit(app.url('/logout'), {})
  t.equal((await browser.submit(app.url('/logout'), {})).text, 'hello stranger')
})

t.test('Only the app’s own pages can log a user out.', async t => {
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
    const response = await browser.send(app.url('/logout'), { method: 'POST', headers })
    t.equal(response.status, 403, JSON.stringify(headers))
    t.equal(errorCode(response), 'LE_AUTH_LOGOUT_CROSS_SITE')
    t.same(response.setCookies, [])
  }
  for (const [method, status] of [
    ['GET', 405],
    ['HEAD', 405],
    ['PUT', 404],
    ['DELETE', 404],
    ['OPTIONS', 404]
  ] as const) {
    t.equal((await browser.send(app.url('/logout'), { method })).status, status, method)
  }
  t.equal((await browser.script(app.url('/me'))).status, 200, 'still logged in')
  t.equal(
    (await browser.send(app.url('/logout'), { method: 'POST', headers: { origin: app.origin } }))
      .status,
    204,
    'a browser without Fetch Metadata'
  )
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('A logout with revoke also ends the user’s sessions at LivePerson.', async t => {
  const events: LogoutEvent[] = []
  const app = await startApp(t, {
    options: {
      apiVersion: { token: '2.0' },
      onLogout: event => {
        events.push(event)
      }
    }
  })
  for (const body of ['form', 'json']) {
    const browser = app.browser()
    await logIn(app, browser)
    app.sentinel.requests.length = 0
    if (body === 'form') await browser.submit(app.url('/logout'), { revoke: 'true' })
    else {
      await app.app.inject({
        method: 'POST',
        url: '/logout',
        payload: { revoke: true },
        headers: {
          cookie: await browser.jar.getCookieString(app.origin),
          'sec-fetch-site': 'same-origin'
        }
      })
    }
    const [revocation] = app.sentinel.requests.filter(request => request.endpoint === 'revoke')
    t.equal(revocation?.path, '/sentinel/api/account/12345678/token/revoke')
    t.equal(revocation?.query.toString(), 'v=1.0')
    t.same([...revocation!.body!.keys()].sort(), ['client_id', 'client_secret', 'token'])
    t.match(events.at(-1), { user: { id: AGENT.id }, accountId: '12345678', revoked: true })
    t.match(
      (await browser.navigate(app.url('/login'))).text,
      'Sign in',
      'the next login asks for the password again'
    )
  }
})

t.test(
  'A failed revocation still logs the user out of the app, and is reported as failed.',
  async t => {
    const events: LogoutEvent[] = []
    const app = await startApp(t, {
      options: {
        httpTimeout: SHORT_DEADLINE,
        onLogout: event => {
          events.push(event)
        }
      }
    })
    const faults = [
      { status: 503 },
      { hang: true } as const,
      { status: 401, body: '{"error":"invalid_client"}' },
      { cutOff: 'unprocessed' } as const
    ]
    for (const fault of faults) {
      const browser = app.browser()
      await logIn(app, browser)
      app.sentinel.next('revoke', fault)
      t.equal((await browser.submit(app.url('/logout'), { revoke: 'true' })).text, 'hello stranger')
      t.equal((await browser.script(app.url('/me'))).status, 401)
      t.equal(events.at(-1)!.revoked, false)
      t.equal(events.at(-1)!.revocationError?.code, 'LE_AUTH_REVOCATION_FAILED')
      t.match(app.events().at(-1), {
        event: 'logout',
        revoked: false,
        code: 'LE_AUTH_REVOCATION_FAILED'
      })
    }
  }
)

t.test('A logout without a refresh token reports that there was nothing to revoke.', async t => {
  const events: LogoutEvent[] = []
  const app = await startApp(t, {
    options: {
      onLogout: event => {
        events.push(event)
      }
    }
  })
  app.sentinel.next('token', { change: ({ refresh_token: _dropped, ...response }) => response })
  const browser = app.browser()
  await logIn(app, browser)
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  t.match(events, [{ revoked: false, revocationError: { reason: 'no_refresh_token' } }])
  t.equal(app.calls('revoke'), 0)
})

t.test('onLogout may send the response itself.', async t => {
  const app = await startApp(t, {
    options: { onLogout: (_event, _request, reply) => reply.redirect('/bye', 303) }
  })
  const browser = app.browser()
  await logIn(app, browser)
  const response = await logOut(app, browser)
  t.equal(response.location, '/bye')
})

t.test('The app’s own route can log out through request.leAuth.logout.', async t => {
  const app = await startApp(t, {
    after: app =>
      app.post('/leave', { onRequest: app.requireAuth }, async request => {
        const { leAuth } = request
        const result = await leAuth!.logout({ revoke: true })
        return {
          ...result,
          after: request.leAuth,
          again: await leAuth!.logout().catch(error => error.code),
          token: await leAuth!.getAccessToken().catch(error => error.code)
        }
      })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const response = await browser.script(app.url('/leave'), { method: 'POST' })
  t.same(response.json(), {
    revoked: true,
    after: null,
    again: 'LE_AUTH_LOGIN_REQUIRED',
    token: 'LE_AUTH_LOGIN_REQUIRED'
  })
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('A slow request from before a logout cannot bring the login back.', async t => {
  const handler = gate()
  const store = new TestStore()
  const app = await startApp(t, {
    options: { store },
    after: app =>
      app.get('/slow', { onRequest: app.requireAuth }, async ({ session }) => {
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
  t.same(
    store.ids.filter(id => /^le-auth:(login|tokens):/.test(id)),
    []
  )
})

for (const hadSession of [false, true]) {
  t.test(
    'onLogout gets a new, empty session, and what it writes there is kept, if the login had ' +
      `${hadSession ? 'a session' : 'no session'}.`,
    async t => {
      const app = await startApp(t, {
        options: {
          onLogout: (_event, { session }) => {
            Object.assign(session, { farewell: 'see you' })
          }
        },
        after: app => {
          app.get('/fill', async ({ session }) => {
            Object.assign(session, { cart: 'pen' })
            return 'filled'
          })
          app.get('/farewell', async ({ session, leAuth }) => ({
            ...session,
            leAuth,
            cookie: undefined
          }))
        }
      })
      const browser = app.browser()
      await logIn(app, browser)
      if (hadSession) await browser.script(app.url('/fill'))
      t.equal((await browser.submit(app.url('/logout'), {})).status, 200)
      t.same((await browser.script(app.url('/farewell'))).json(), {
        farewell: 'see you',
        leAuth: null
      })
    }
  )
}

for (const what of ['regenerate', 'destroy'] as const) {
  t.test(
    `A route of the app may ${what} the session before it logs out, and the login still ` + 'ends.',
    async t => {
      const store = new TestStore()
      const app = await startApp(t, {
        options: { store },
        after: app =>
          app.post('/bye', { onRequest: app.requireAuth }, async ({ session, leAuth }) => {
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
    }
  )
}
