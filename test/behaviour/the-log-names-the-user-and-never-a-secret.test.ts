import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { SECRET, type Setting, startApp, type TestApp } from '../support/app.ts'
import { Clock, MINUTE } from '../support/clock.ts'
import { ADMIN, AGENT, logIn, upToCallback } from '../support/login.ts'

/** Every secret value that this app and its emulator have seen. */
function secretsOf(app: TestApp, cookies: string[]): string[] {
  const sent = app.sentinel.requests.flatMap(({ query, body }) =>
    ['code', 'state', 'code_verifier', 'client_secret', 'refresh_token', 'token'].flatMap(name => [
      query.get(name),
      body?.get(name)
    ])
  )
  const cookieValues = cookies.map(cookie => cookie.slice(cookie.indexOf('=') + 1).split(';', 1)[0])
  return [SECRET, EMULATOR_DEFAULTS.clientSecret, ...sent, ...cookieValues].filter(
    (value): value is string => typeof value === 'string' && value.length > 8
  )
}

t.test('The log shows no secret through login, use, refresh, failures and logout.', async t => {
  const clock = new Clock()
  const app = await startApp(t, { options: { now: clock.now }, emulator: { now: clock.now } })
  const browser = app.browser()
  await logIn(app, browser, AGENT, '/page/a')
  const { accessToken } = (await browser.script(app.url('/token'))).json()
  clock.advance(50 * MINUTE)
  await browser.script(app.url('/me'))
  clock.advance(20 * MINUTE)
  await browser.script(app.url('/users'))
  t.equal(app.calls('refresh'), 1)
  const second = (await browser.script(app.url('/token'))).json().accessToken

  for (const fault of [
    { status: 401, body: `{"error":"invalid_client","error_description":"${'marker'.repeat(3)}"}` },
    { status: 500, body: 'markermarkermarker' },
    { cutOff: 'mid-body' } as const
  ]) {
    const callback = await upToCallback(app, browser)
    app.sentinel.next('token', fault)
    await browser.navigate(callback)
    await browser.script(callback.replace('/callback', '/callback?'))
    for (const method of ['HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE']) {
      t.equal((await browser.send(callback, { method })).status, 405, method)
    }
  }
  await browser.submit(app.url('/logout'), { revoke: 'true' })

  const log = app.logLines.join('')
  const secrets = [
    ...secretsOf(
      app,
      browser.history.flatMap(response => response.setCookies)
    ),
    accessToken,
    second,
    'markermarkermarker'
  ]
  t.ok(secrets.length > 20)
  for (const secret of secrets) {
    for (const form of [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').replace(/=+$/, '')
    ]) {
      t.notOk(log.includes(form), `not in the log: ${secret.slice(0, 4)}…`)
    }
  }
  const pages = browser.history.filter(
    response => response.url.startsWith(app.origin) && !response.url.endsWith('/token')
  )
  for (const token of [accessToken, second, EMULATOR_DEFAULTS.clientSecret]) {
    t.notOk(pages.some(page => JSON.stringify([page.text, page.headers]).includes(token)))
  }
})

t.test('The app’s own logger gets a structured line for each event.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser, ADMIN)
  await app.browser().navigate(app.url('/callback?state=x'))
  await browser.submit(app.url('/logout'), {})
  t.match(app.events(), [
    { event: 'login', accountId: '12345678', userId: ADMIN.id },
    {
      event: 'login_failed',
      accountId: '12345678',
      code: 'LE_AUTH_CALLBACK_INVALID',
      reason: 'state_malformed'
    },
    { event: 'logout', accountId: '12345678', userId: ADMIN.id, revoked: null }
  ])
})

t.test('Requests to the plugin’s routes are logged, without their query.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const urls = app.logLines.map(line => JSON.parse(line).req?.url).filter(Boolean)
  t.ok(urls.includes('/login'))
  t.ok(urls.includes('/callback'))
  const line = app.logLines
    .map(line => JSON.parse(line))
    .find(line => line.req?.url === '/callback')
  t.match(line.req, {
    method: 'GET',
    host: 'localhost:3000',
    remoteAddress: '127.0.0.1',
    remotePort: Number
  })
})

t.test(
  'A callback with one slash too many is not a callback, and its query is not logged.',
  async t => {
    for (const [name, setting] of [
      ['as it is', {}],
      ['with another callback', { callback: '/auth/back/' }],
      [
        'if the app has a route there',
        { before: (app: FastifyInstance) => app.get('/callback/', async () => 'the app’s own') }
      ],
      ['if slashes do not matter', { fastify: { routerOptions: { ignoreTrailingSlash: true } } }],
      ['as it was set in older versions', { fastify: { ignoreTrailingSlash: true } }]
    ] as Array<[string, Setting]>) {
      const app = await startApp(t, setting)
      const browser = app.browser()
      const { search, pathname } = new URL(await upToCallback(app, browser))
      const other = pathname.endsWith('/') ? pathname.slice(0, -1) : `${pathname}/`
      const response = await browser.step(app.url(other + search))
      t.match(
        String(response.status),
        name.includes('if ') ? /200|303/ : name.includes('older') ? /303/ : /404/,
        name
      )
      if (name.includes('the app has')) continue
      for (const value of new URLSearchParams(search).values()) {
        t.notMatch(app.logLines.join('') + response.text, value)
      }
    }
  }
)

/**
 * Ways to send two responses to a callback. Fastify warns of them, with the URL of the request.
 */
const SECOND_RESPONSES: Array<[what: string, setting: Setting]> = [
  [
    'onLoginError sends a response without returning the reply',
    {
      options: {
        onLoginError: (_event, _request, reply) => {
          reply.code(400).send('mine')
        }
      }
    }
  ],
  [
    'onLoginError sends a response later',
    {
      options: {
        onLoginError: (_event, _request, reply) => {
          setTimeout(() => reply.code(400).send('mine'), 50)
        }
      }
    }
  ],
  [
    'onLogin sends a response',
    {
      options: {
        onLogin: (_event, _request, reply) => {
          reply.code(403).send('mine')
        }
      }
    }
  ],
  [
    'the app has its own deadline',
    {
      fastify: { handlerTimeout: 200 },
      options: {
        onLogin: async () => {
          await new Promise(resolve => setTimeout(resolve, 600))
        }
      }
    }
  ]
]

for (const [what, setting] of SECOND_RESPONSES) {
  t.test(`The log shows neither code nor state if ${what}.`, async t => {
    const app = await startApp(t, setting)
    const browser = app.browser()
    const callback = new URL(await upToCallback(app, browser))
    const [code, state] = ['code', 'state'].map(name => callback.searchParams.get(name)!)
    await app.browser().navigate(callback.href)
    await browser.navigate(callback.href)
    await new Promise(resolve => setTimeout(resolve, 700))
    for (const secret of [code!, state!]) t.notOk(app.logLines.join('').includes(secret))
  })
}
