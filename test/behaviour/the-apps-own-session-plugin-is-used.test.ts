import cookie from '@fastify/cookie'
import session, { type FastifySessionOptions } from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Setting, startApp, type TestApp } from '../support/app.ts'
import { errorCode, isAnonymous } from '../support/checks.ts'
import { ADMIN, AGENT, logIn, logOut } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { gate } from '../support/wait.ts'

const APP_SECRET = 'a secret of the app itself, of more than 32 characters'

interface AppSession {
  store: TestStore
  app: TestApp
}

async function withAppSession(
  t: Test,
  options: Partial<FastifySessionOptions> = {},
  setting: Setting = {}
): Promise<AppSession> {
  const store = new TestStore()
  const app = await startApp(t, {
    ...setting,
    before: async app => {
      await app.register(cookie)
      await app.register(session, {
        secret: APP_SECRET,
        cookieName: 'of-the-app',
        store,
        cookie: { secure: 'auto' },
        ...options
      })
      await setting.before?.(app)
    }
  })
  return { store, app }
}

const cases: Array<[what: string, options: Partial<FastifySessionOptions>]> = [
  ['its default settings, secure: auto', {}],
  ['secure: false', { cookie: { secure: false } }],
  ['saveUninitialized: false, rolling: false', { saveUninitialized: false, rolling: false }],
  ['saveUninitialized: false, rolling: true', { saveUninitialized: false, rolling: true }],
  [
    'a prefix and rotated secrets',
    { cookiePrefix: 's:', secret: [APP_SECRET, 'an older secret of the app, of 32 characters'] }
  ]
]

for (const [what, options] of cases) {
  t.test(
    'Login, protected routes and logout work with the app’s own session plugin: ' + `${what}.`,
    async t => {
      const { app, store } = await withAppSession(t, options)
      const browser = app.browser()
      await browser.navigate(app.url('/'))
      t.equal((await logIn(app, browser, AGENT, '/page/one')).text, 'page /page/one')
      t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
      t.equal((await browser.script(app.url('/users'))).status, 200)
      t.same(
        (await browser.cookieNames(app.url('/'))).sort(),
        ['le-auth', 'of-the-app'],
        'the login cookie, and the app’s one session cookie'
      )
      t.equal(store.tokenSets.length, 1, 'the tokens are in the app’s store')
      t.equal(store.logins.length, 1)

      const before = await browser.copy()
      const logout = await browser.submit(app.url('/logout'), {})
      t.equal(`${logout.status} ${logout.text}`, '200 hello stranger')
      await isAnonymous(t, app, browser)
      await isAnonymous(t, app, before, 'the old cookie no longer works')
      t.same([store.tokenSets, store.logins], [[], []])

      t.equal(
        (await logIn(app, app.browser(), ADMIN, '/admin')).text,
        'for administrators',
        'the next user can log in'
      )
      t.equal(store.logins.length, 1)
    }
  )
}

for (const saveUninitialized of [true, false]) {
  t.test(
    'A logout clears the app’s old cookie in the browser, whatever its attributes: ' +
      `saveUninitialized ${saveUninitialized}.`,
    async t => {
      const attributes = { secure: true, path: '/', sameSite: 'lax' } as const
      const { app } = await withAppSession(
        t,
        { cookieName: '__Host-app', saveUninitialized, cookie: attributes },
        { origin: 'https://app.example.com' }
      )
      const browser = app.browser()
      await logIn(app, browser)
      const before = await browser.jar.getCookieString(app.url('/'))
      t.match(before, '__Host-app=')
      await logOut(app, browser)
      t.not(await browser.jar.getCookieString(app.url('/')), before)
    }
  )
}

t.test('The session from before the login has another id, and is gone.', async t => {
  const { app, store } = await withAppSession(
    t,
    {},
    {
      after: app => {
        app.get('/cart', async request => {
          ;(request.session as any).cart = ['pen']
          return 'ok'
        })
      }
    }
  )
  const browser = app.browser()
  await browser.script(app.url('/cart'))
  const [anonymous] = [...store.records.keys()]
  const before = await browser.copy()
  await logIn(app, browser)
  t.notOk(store.records.has(anonymous!))
  t.notMatch([...store.records.values()].join(''), '"pen"')
  await isAnonymous(t, app, before)
})

t.test('The app’s session data survives a login only if it is in session.keep.', async t => {
  const { app } = await withAppSession(
    t,
    {},
    {
      options: { session: { keep: ['cart'] } as never },
      after: app => {
        app.get(
          '/fill',
          async request => Object.assign(request.session, { cart: ['pen'], role: 'admin' }) && 'ok'
        )
        app.get('/see', async request => ({
          cart: (request.session as any).cart,
          role: (request.session as any).role
        }))
      }
    }
  )
  const browser = app.browser()
  await browser.script(app.url('/fill'))
  await logIn(app, browser)
  t.same((await browser.script(app.url('/see'))).json(), { cart: ['pen'] })
})

t.test(
  'A session that the app regenerates belongs to the login as long as it keeps its key.',
  async t => {
    const { app } = await withAppSession(
      t,
      {},
      {
        after: app => {
          app.get('/renew/:kept', async request => {
            await request.session.regenerate([(request.params as { kept: 'leAuth' }).kept])
            return Object.assign(request.session, { seen: true }) && 'ok'
          })
          app.get('/see', async request => ({ seen: (request.session as any).seen === true }))
        }
      }
    )
    const browser = app.browser()
    await logIn(app, browser)
    for (const [kept, seen] of [
      ['leAuth', true],
      ['nothing', false]
    ] as const) {
      t.equal((await browser.script(app.url(`/renew/${kept}`))).status, 200)
      t.same((await browser.script(app.url('/see'))).json(), { seen }, kept)
    }
  }
)

t.test(
  'A slow request can bring its session back to the store, but not a login that has ended.',
  async t => {
    const handler = gate()
    const { app, store } = await withAppSession(
      t,
      {},
      {
        after: app => {
          app.get('/slow', async request => {
            await handler.pass()
            ;(request.session as any).seen = true
            return 'slow'
          })
          app.get('/see', async request => ({ seen: (request.session as any).seen === true }))
        }
      }
    )
    const browser = app.browser()
    await logIn(app, browser)
    const before = await browser.copy()
    const slow = before.script(app.url('/slow'))
    await handler.reached()
    await browser.submit(app.url('/logout'), {})
    handler.open()
    t.equal((await slow).status, 200)
    t.match([...store.records.values()].join(), '"seen":true', 'the session is back')
    t.same([store.logins, store.tokenSets], [[], []], 'the login and its tokens are not')
    await isAnonymous(t, app, before)
    t.same(
      (await before.script(app.url('/see'))).json(),
      { seen: false },
      'a visitor does not get the session of a login'
    )
  }
)

t.test(
  'A login works A login works over https with secure: auto in the app’s own session ' +
    'plugin. in the app’s own session plugin.',
  async t => {
    const { app } = await withAppSession(t, {}, { origin: 'https://app.example.com' })
    const browser = app.browser()
    t.equal((await logIn(app, browser)).status, 200)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    const line = browser.history
      .flatMap(response => response.setCookies)
      .find(line => line.startsWith('of-the-app='))
    t.match(line, /; Secure/)
  }
)

t.test('The login transaction uses only the plugin’s own cookie.', async t => {
  const { app } = await withAppSession(t)
  const start = await app.browser().step(app.url('/login'))
  t.equal(start.setCookies.filter(line => line.startsWith('le-auth.login.')).length, 1)
  t.notOk(start.setCookies.some(line => line.startsWith('le-auth=')))
})

t.test(
  'An app that has only @fastify/cookie keeps it, and the plugin brings the session.',
  async t => {
    let cookies = 0
    const app = await startApp(t, {
      before: async app => {
        await app.register(cookie, { secret: 'of the app' })
        app.addHook('onRequest', async () => {
          cookies += 1
        })
      },
      after: app => {
        app.get('/signed', async (_request, reply) =>
          reply.setCookie('x', 'y', { signed: true }).send('ok')
        )
      }
    })
    const browser = app.browser()
    t.equal((await logIn(app, browser, AGENT, '/page/one')).text, 'page /page/one')
    t.same(await browser.cookieNames(app.url('/')), ['le-auth'])
    t.match(
      (await browser.script(app.url('/signed'))).setCookies,
      [/^x=y\./],
      'the secret of the app signs'
    )
    await browser.submit(app.url('/logout'), {})
    await isAnonymous(t, app, browser)
    t.ok(cookies > 0)
  }
)

/** An app with its own error handler. */
function ownErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: any, _request, reply) =>
    reply
      .code(error.statusCode ?? 500)
      .send({ own: true, code: error.code, status: error.statusCode })
  )
}

t.test('Errors reach the app’s error handler with code and status.', async t => {
  for (const own of [true, false]) {
    const app = own
      ? (await withAppSession(t, {}, { before: ownErrors })).app
      : await startApp(t, { before: ownErrors })
    const browser = app.browser()
    app.sentinel.next('domain', { status: 503 })
    const login = await browser.send(app.url('/login'), { headers: { accept: '*/*' } })
    t.same(
      [login.status, login.json()],
      [503, { own: true, code: 'LE_AUTH_DOMAIN_API_UNAVAILABLE', status: 503 }]
    )

    const callback = await browser.script(app.url('/callback?code=x&state=y'))
    t.same(
      [callback.status, callback.json()],
      [400, { own: true, code: 'LE_AUTH_CALLBACK_INVALID', status: 400 }]
    )

    const logout = await browser.script(app.url('/logout'), {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site' }
    })
    t.same(
      [logout.status, logout.json()],
      [403, { own: true, code: 'LE_AUTH_LOGOUT_CROSS_SITE', status: 403 }]
    )
  }
})

t.test(
  'Errors of a guarded route reach the app’s error handler too, and a page of the plugin ' +
    'stays a page.',
  async t => {
    const { app } = await withAppSession(t, {}, { before: ownErrors })
    const browser = app.browser()
    const failed = await browser.step(app.url('/callback?code=x&state=y'))
    t.equal(
      `${failed.status} ${errorCode(failed)}`,
      '400 LE_AUTH_CALLBACK_INVALID (state_malformed)'
    )
    t.match(failed.headers['content-type'], 'text/html')

    const agent = app.browser()
    await logIn(app, agent, AGENT)
    const refused = await agent.script(app.url('/admin'))
    t.same(
      [refused.status, refused.json()],
      [403, { own: true, code: 'LE_AUTH_ADMIN_REQUIRED', status: 403 }]
    )
    app.sentinel.next('users', { cutOff: 'unprocessed' })
    const users = await agent.script(app.url('/users'))
    t.same(
      [users.status, users.json()],
      [503, { own: true, code: 'LE_AUTH_SERVICE_UNAVAILABLE', status: 503 }]
    )
  }
)

t.test('Settings of the app’s cookie plugin do not change the plugin’s own cookies.', async t => {
  const secret = 'a secret of the app, with more than 32 characters'
  for (const parseOptions of [
    { domain: 'other.example' },
    { path: '/elsewhere', sameSite: 'strict' as const },
    { maxAge: 1, expires: new Date(0), partitioned: true }
  ]) {
    const app = await startApp(t, { before: app => app.register(cookie, { secret, parseOptions }) })
    const browser = app.browser()
    t.equal((await logIn(app, browser, AGENT, '/page/there')).text, 'page /page/there')
    t.notMatch(
      browser.history
        .flatMap(response => response.setCookies)
        .filter(line => line.includes('.login.'))
        .join(),
      /other\.example|elsewhere|Strict|Partitioned|Max-Age=1;/
    )
  }
})

t.test('An idGenerator that needs a real request does not break start-up.', async t => {
  const app = await startApp(t, {
    before: async app => {
      await app.register(cookie)
      await app.register(session, {
        secret: 'a secret of the app, with more than 32 characters',
        cookie: { secure: false },
        idGenerator: request => `${request!.socket.remotePort}${Math.random()}${Math.random()}`
      })
    }
  })
  t.equal((await logIn(app, app.browser(), AGENT, '/page/there')).text, 'page /page/there')
})
