import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { LeAuthError, LeAuthOptions, LoginErrorEvent, LoginEvent } from '../../lib/index.ts'
import { startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { AGENT, logIn, upToCallback } from '../support/login.ts'
import { slowStore, TestStore } from '../support/stores.ts'
import { until } from '../support/wait.ts'

t.test(
  'onLogin gets the user, can act for the user, and what it writes to the session is kept.',
  async t => {
    const events: LoginEvent[] = []
    const app = await startApp(t, {
      options: {
        onLogin: async (event, request) => {
          events.push(event)
          const response = await request.leAuth!.fetch(
            'accountConfigReadOnly',
            `/api/account/{accountId}/configuration/le-users/users/${event.user.id}`
          )
          const { fullName } = (await response.json()) as { fullName: string }
          Object.assign(request.session, { fullName })
        }
      },
      after: app =>
        app.get('/name', async ({ session }) => ({
          name: (session as unknown as { fullName: string }).fullName
        }))
    })
    const browser = app.browser()
    await logIn(app, browser, AGENT, '/page/x')
    t.match(events, [
      { user: { id: AGENT.id, isAdmin: false }, accountId: '12345678', returnPath: '/page/x' }
    ])
    t.same((await browser.script(app.url('/name'))).json(), { name: 'Maya Osei' })
  }
)

t.test('If onLogin throws, nobody is logged in, and the earlier login goes on.', async t => {
  let fail = false
  let cause: unknown
  const app = await startApp(t, {
    options: {
      onLogin: () => {
        if (fail) throw new Error('no such agent here')
      },
      onLoginError: ({ error }) => {
        cause = error.cause
      }
    }
  })
  const browser = app.browser()
  await logIn(app, browser, AGENT)
  fail = true
  const page = await browser.navigate(app.url('/login?returnTo=/page/x'))
  t.equal(page.status, 500)
  t.equal(errorCode(page), 'LE_AUTH_LOGIN_HOOK_FAILED')
  t.notMatch(page.text, 'no such agent')
  t.match(app.logLines.join(''), 'no such agent here', 'the app’s own log has the error')
  t.match(cause, { message: 'no such agent here' }, 'onLoginError gets the error as well')
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id, 'the first login goes on')

  const fresh = app.browser()
  t.equal((await logIn(app, fresh)).status, 500)
  t.equal((await fresh.script(app.url('/me'))).status, 401)
})

t.test(
  'onLoginError may send the response instead of the error page and of the thrown error.',
  async t => {
    const events: LoginErrorEvent[] = []
    const app = await startApp(t, {
      // A session that changes makes the response wait for the store.
      after: app =>
        app.addHook('onRequest', async ({ session }) => {
          Object.assign(session, { seen: Date.now() })
        }),
      options: {
        store: slowStore([20]),
        onLoginError: (event, _request, reply) => {
          events.push(event)
          return reply.code(418).send('my own page')
        }
      }
    })
    for (const method of ['navigate', 'script'] as const) {
      const response = await app.browser()[method](app.url('/callback?state=x'))
      t.equal(response.status, 418)
      t.equal(response.text, 'my own page')
    }
    t.notMatch(app.logLines.join(''), 'FST_ERR_REP_ALREADY_SENT')
    const browser = app.browser()
    const callback = await upToCallback(app, browser, '/page/there')
    app.sentinel.next('token', { status: 503 })
    await browser.navigate(callback)
    t.same(
      events.map(({ error, retryPath }) => [error.code, retryPath]),
      [
        ['LE_AUTH_CALLBACK_INVALID', '/login'],
        ['LE_AUTH_CALLBACK_INVALID', '/login'],
        ['LE_AUTH_SENTINEL_UNAVAILABLE', '/login?returnTo=%2Fpage%2Fthere']
      ]
    )
  }
)

t.test('The error page is sent if onLoginError sends no response.', async t => {
  let calls = 0
  const app = await startApp(t, {
    options: {
      onLoginError: async () => {
        calls += 1
      }
    }
  })
  t.equal(
    errorCode(await app.browser().navigate(app.url('/callback?state=x'))),
    'LE_AUTH_CALLBACK_INVALID (state_malformed)'
  )
  t.equal(calls, 1)
})

t.test(
  'If there is no onLoginError, the error of a script goes to the app’s error handler, with ' +
    'code and status.',
  async t => {
    const app = await startApp(t, {
      before: app =>
        app.setErrorHandler((error: LeAuthError, _request, reply) =>
          reply.code(error.statusCode).send({ mine: error.code })
        )
    })
    const callback = await upToCallback(app, app.browser())
    const response = await app.browser().script(callback)
    t.equal(response.status, 400)
    t.same(response.json(), { mine: 'LE_AUTH_CALLBACK_INVALID' })
  }
)

t.test('A bug in onLoginError is not shown as a refused login.', async t => {
  const app = await startApp(t, {
    options: {
      onLoginError: () => {
        throw new TypeError('a bug')
      }
    }
  })
  const response = await app.browser().navigate(app.url('/callback?state=x'))
  t.equal(response.status, 500)
  t.match(response.json(), { message: 'a bug' })
})

t.test('An unexpected error in /login goes to the app’s error handler as it is.', async t => {
  let broken = false
  const app = await startApp(t, {
    options: {
      now: () => {
        if (broken) throw new TypeError('a broken clock')
        return Date.now()
      }
    }
  })
  broken = true
  const response = await app.browser().navigate(app.url('/login'))
  broken = false
  t.equal(response.status, 500)
  t.match(response.json(), { message: 'a broken clock' })
})

const OWN_SESSION = 'behind the app’s own session plugin'

/** Hooks that come before those of the plugin, and delay a response. */
const SLOW_RESPONSES: Array<
  [where: string, before: (app: FastifyInstance, store: TestStore) => unknown]
> = [
  ['at once', () => {}],
  [
    'behind a hook that waits',
    app =>
      app.addHook('onSend', async () => {
        await new Promise(resolve => setTimeout(resolve, 20))
      })
  ],
  [
    OWN_SESSION,
    async (app, store) => {
      await app.register(cookie)
      await app.register(session, {
        secret: 'a secret of the app itself, of more than 32 characters',
        store,
        cookie: { secure: 'auto' }
      })
    }
  ]
]

for (const [what, onLogin] of [
  [
    'sends a response and waits for it',
    async (_event, _request, reply) => {
      await reply.code(403).send('not invited')
    }
  ],
  [
    'sends a response and goes on',
    async (_event, _request, reply) => {
      reply.code(403).send('not invited')
    }
  ],
  [
    'redirects and goes on',
    (_event, _request, reply) => {
      reply.redirect('/not-invited', 303)
    }
  ]
] satisfies Array<[string, NonNullable<LeAuthOptions['onLogin']>]>) {
  t.test(`If onLogin ${what}, nobody is logged in.`, async t => {
    for (const [where, before] of SLOW_RESPONSES) {
      const store = new TestStore()
      let isResponding = false
      const app = await startApp(t, {
        options: {
          ...(where !== OWN_SESSION && { store }),
          onLogin: (...event) => (isResponding ? onLogin(...event) : undefined)
        },
        before: app => before(app, store)
      })
      const browser = app.browser()
      isResponding = true
      const response = await browser.step(await upToCallback(app, browser))
      t.match(`${response.status} ${response.text}`, /^(403 not invited|303 )/, where)
      await until(() => app.events().length > 0)
      t.equal((await browser.script(app.url('/me'))).status, 401)
      t.same(store.tokenSets, [])
      t.match(app.events().at(-1), {
        event: 'login_failed',
        code: 'LE_AUTH_LOGIN_HOOK_FAILED',
        reason: 'responded'
      })

      isResponding = false
      await browser.navigate(app.url('/login'))
      isResponding = true
      await browser.step(await upToCallback(app, browser))
      await until(() => app.events().length > 2)
      t.equal(
        (await browser.script(app.url('/me'))).status,
        200,
        'the earlier login goes on in its browser'
      )
    }
  })
}

t.test('If onLogin logs the user out, nobody is logged in.', async t => {
  const store = new TestStore()
  const app = await startApp(t, {
    options: {
      store,
      onLogin: async (_event, { leAuth }) => {
        await leAuth!.logout()
      }
    }
  })
  const browser = app.browser()
  t.equal(errorCode(await logIn(app, browser)), 'LE_AUTH_LOGIN_HOOK_FAILED')
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.same([store.tokenSets, store.logins], [[], []])
})

for (const [what, onLogin, name] of [
  [
    'begins another session',
    async (_event, request) => {
      await request.session.regenerate()
      Object.assign(request.session, { name: 'Maya' })
    },
    'Maya'
  ],
  [
    'destroys the session',
    async (_event, { session }) => {
      await session.destroy()
    },
    null
  ]
] satisfies Array<[string, NonNullable<LeAuthOptions['onLogin']>, string | null]>) {
  t.test(
    `If onLogin ${what}, the user is still logged in, and a logout leaves no ` + 'record.',
    async t => {
      const store = new TestStore()
      const app = await startApp(t, {
        options: { store, onLogin },
        after: app =>
          app.get('/name', async ({ session }) => ({
            name: (session as { name?: string }).name ?? null
          }))
      })
      const browser = app.browser()
      await logIn(app, browser, AGENT)
      t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
      t.same((await browser.script(app.url('/name'))).json(), { name })
      await browser.submit(app.url('/logout'), {})
      t.equal((await browser.script(app.url('/me'))).status, 401)
      t.same(
        [...store.records.keys()].filter(id => !id.startsWith('le-auth:state:')),
        []
      )
    }
  )
}
