import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import leAuth from '../../lib/index.ts'
import { optionsFor, SECRET } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import { errorCode, whoIs } from '../support/checks.ts'
import { cookieHeader, loginCookie } from '../support/cookies.ts'
import { AGENT, logIn, upToCallback } from '../support/login.ts'
import { TYPESCRIPT } from '../support/processes/child.ts'
import { rawExchange } from '../support/raw-http.ts'
import {
  STORE_MESSAGE,
  STORE_PASSWORD,
  type StoreCall,
  type StoreTrouble,
  TestStore
} from '../support/stores.ts'
import { gate, until } from '../support/wait.ts'

/** The error that stops an app at start-up, or `null`. */
async function startUp(t: Test, build: (app: FastifyInstance) => unknown): Promise<any> {
  const app = Fastify()
  t.teardown(() => app.close().catch(() => {}))
  try {
    await build(app)
    await app.ready()
    return null
  } catch (error) {
    return error
  }
}

const HTTP = 'http://localhost:3000/callback'
const HTTPS = 'https://app.example.com/callback'

for (const sameSite of ['strict', true, 'lax'] as const) {
  attack(
    'FT1',
    `the app’s own session cookie with SameSite ${sameSite} does not stop a login`,
    'RFC 6265bis',
    async (t, stage) => {
      const browser = stage.browser()
      const callback = await upToCallback(stage, browser, '/page/one')
      // The redirect from Sentinel is a navigation from another site:
      // a browser omits Strict cookies.
      const own = (await cookieHeader(stage, browser))
        .split('; ')
        .filter(pair => !pair.startsWith('sessionId='))
      const response = await stage.browser().send(callback, {
        headers: {
          cookie: own.join('; '),
          accept: 'text/html',
          'sec-fetch-site': 'cross-site',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document'
        }
      })
      t.equal(`${response.status} ${response.location}`, '303 /page/one')
      for (const line of response.setCookies) await browser.jar.setCookie(line, stage.origin)
      t.equal(await stage.me(browser), AGENT.id)
      t.equal(
        await whoIs(stage, stage.browser(), loginCookie(response)),
        AGENT.id,
        'the first page after the login works without that cookie too'
      )
    },
    {
      options: { store: undefined },
      before: async app => {
        await app.register(cookie)
        await app.register(session, { secret: SECRET, cookie: { secure: false, sameSite } })
      }
    }
  )
}

attack(
  'FT1',
  'SameSite=Strict for the plugin’s own cookies is reported at start-up',
  'RFC 6265bis',
  async (t, stage) => {
    const own = await startUp(t, app =>
      app.register(leAuth, {
        ...optionsFor(stage.sentinel, HTTPS),
        cookie: { sameSite: 'strict' as never }
      })
    )
    t.equal(own?.code, 'LE_AUTH_OPTIONS_INVALID')
    t.match(own?.message, 'cookie.sameSite')
  }
)

attack(
  'FT1',
  'a callback that arrives without its cookies shows a page that says so, and ' +
    'causes no redirect loop',
  'RFC 6749 §10.12',
  async (t, stage) => {
    const callback = await upToCallback(stage, stage.browser(), '/page/one')
    const without = stage.browser()
    const page = await without.navigate(callback)
    t.equal(page.status, 400)
    t.equal(errorCode(page), 'LE_AUTH_CALLBACK_INVALID (no_transaction)')
    t.match(page.text, /may block cookies/)
    t.equal(without.history.length, 1, 'no redirect')
    t.equal(stage.exchanges(), 0)
    t.equal(await stage.me(without), null)
  }
)

attack(
  'FT2',
  '/login reports an error and begins no login if a secure cookie would be lost',
  'RFC 6265 §4.1.2.5',
  async (t, stage) => {
    for (const path of ['/login', '/login?returnTo=/me']) {
      const text = await rawExchange(
        stage.server,
        `GET ${path} HTTP/1.1\r\nhost: app.example.com\r\naccept: text/html\r\nconnection: close\r\n\r\n`
      )
      t.match(text, /^HTTP\/1\.1 500 /)
      t.match(text, /LE_AUTH_INSECURE_REQUEST/)
      t.match(stage.logLines.join(''), /came over plain http, and no proxy has passed it on/)
      t.notMatch(text, /^(location|set-cookie):/im)
    }
    t.equal(
      (await stage.browser().step(stage.url('/login'))).status,
      302,
      'a login over https works'
    )
  },
  { origin: 'https://app.example.com' }
)

attack(
  'FT3',
  'another session plugin, or a name that is taken, is reported before the app starts',
  'RFC 6265 §5.1.4',
  async (t, stage) => {
    const options = optionsFor(stage.sentinel, HTTP)
    const ownSession = async (app: FastifyInstance, cookieOptions: object = {}): Promise<void> => {
      await app.register(cookie)
      await app.register(session, { secret: SECRET, cookie: { secure: false, ...cookieOptions } })
    }
    const setups: Array<
      [what: string, problem: RegExp | null, build: (app: FastifyInstance) => unknown]
    > = [
      [
        'no session plugin, so that the plugin brings its own',
        null,
        app => app.register(leAuth, options)
      ],
      [
        'a session plugin in the scope above',
        null,
        async app => {
          await ownSession(app)
          await app.register(async scope => {
            await scope.register(leAuth, options)
          })
        }
      ],
      [
        'a cookie for another path',
        null,
        async app => {
          await ownSession(app, { path: '/other' })
          await app.register(leAuth, options)
        }
      ],
      [
        'another session plugin',
        /belongs to another plugin than @fastify\/session/,
        async app => {
          app.decorateRequest('session', null as never)
          await app.register(leAuth, options)
        }
      ],
      [
        'another session plugin, with a getter',
        /belongs to another plugin than @fastify\/session/,
        async app => {
          app.decorateRequest('session', { getter: () => ({}) } as never)
          await app.register(leAuth, options)
        }
      ],
      [
        'two stores',
        /the option store has no effect/,
        async app => {
          await ownSession(app)
          await app.register(leAuth, { ...options, store: new TestStore() })
        }
      ],
      [
        'another requireAuth',
        /the name requireAuth is taken/,
        async app => {
          app.decorate('requireAuth', (() => {}) as never)
          await app.register(leAuth, options)
        }
      ],
      [
        'another requireAdmin',
        /the name requireAdmin is taken/,
        async app => {
          app.decorate('requireAdmin', (() => {}) as never)
          await app.register(leAuth, options)
        }
      ],
      [
        'another requireAuth in the scope above',
        /the name requireAuth is taken/,
        async app => {
          app.decorate('requireAuth', (() => {}) as never)
          await app.register(async scope => {
            await scope.register(leAuth, options)
          })
        }
      ],
      [
        'another request.leAuth',
        /the name request\.leAuth is taken/,
        async app => {
          app.decorateRequest('leAuth', null as never)
          await app.register(leAuth, options)
        }
      ],
      [
        'the plugin, twice',
        /taken in this scope, by another plugin or by another registration/,
        async app => {
          await app.register(leAuth, options)
          await app.register(leAuth, options)
        }
      ]
    ]
    for (const [what, problem, build] of setups) {
      const error = await startUp(t, build)
      if (problem === null) {
        t.equal(error, null, what)
        continue
      }
      t.equal(error?.code, 'LE_AUTH_SETUP_INVALID', what)
      t.match(error?.message, problem, what)
    }
  }
)

attack(
  'FT3',
  'a session plugin that is registered later stops the app',
  'RFC 6265 §5.1.4',
  async t => {
    const fixture = fileURLToPath(
      new URL('../support/processes/late-session-plugin.ts', import.meta.url)
    )
    for (const where of ['same scope']) {
      const failed = await promisify(execFile)(process.execPath, [...TYPESCRIPT, fixture, where], {
        timeout: 60_000
      }).catch(error => error)
      t.equal(failed.code, 1, where)
      t.notMatch(failed.stdout, 'started')
      t.match(failed.stderr, /Register @fastify\/session before fastify-le-auth/)
    }
  }
)

/** How far a login got before the trouble: nothing, its state is used, or its code is exchanged. */
type Known = 'nothing' | 'used' | 'exchanged'

const troubles: Array<
  [what: string, known: Known, trouble: (call: StoreCall) => StoreTrouble | undefined]
> = [
  ['down', 'nothing', () => 'error'],
  ['throwing', 'nothing', () => 'throw'],
  ['down for reading', 'nothing', ({ operation }) => (operation === 'get' ? 'error' : undefined)],
  ['down for writing', 'used', ({ operation }) => (operation === 'set' ? 'error' : undefined)],
  ['down for states', 'nothing', ({ kind }) => (kind === 'used state' ? 'error' : undefined)],
  [
    'down for writing states',
    'used',
    ({ kind, operation }) => (kind === 'used state' && operation === 'set' ? 'error' : undefined)
  ],
  [
    'down for tokens',
    'exchanged',
    ({ kind, operation }) => (kind === 'token set' && operation === 'set' ? 'error' : undefined)
  ],
  [
    'losing tokens',
    'exchanged',
    ({ kind, operation }) => (kind === 'token set' && operation === 'set' ? 'lost' : undefined)
  ],
  [
    'down for logins',
    'exchanged',
    ({ kind, operation }) => (kind === 'login' && operation === 'set' ? 'error' : undefined)
  ],
  [
    'throwing for logins',
    'exchanged',
    ({ kind, operation }) => (kind === 'login' && operation === 'set' ? 'throw' : undefined)
  ],
  [
    'losing logins',
    'exchanged',
    ({ kind, operation }) => (kind === 'login' && operation === 'set' ? 'lost' : undefined)
  ],
  [
    'down for sessions',
    'exchanged',
    ({ kind, operation }) => (kind === 'session' && operation === 'set' ? 'error' : undefined)
  ],
  [
    'throwing for sessions',
    'exchanged',
    ({ kind, operation }) => (kind === 'session' && operation === 'set' ? 'throw' : undefined)
  ],
  [
    'down for reading tokens',
    'exchanged',
    ({ kind, operation }) => (kind === 'token set' && operation === 'get' ? 'error' : undefined)
  ]
]

attack(
  'FT4',
  'a store that fails leaves nobody half logged in',
  'RFC 6749 §4.1.2',
  async (t, stage) => {
    stage.secrets.add(STORE_MESSAGE).add(STORE_PASSWORD)
    for (const [what, known, trouble] of troubles) {
      const browser = stage.browser()
      const callback = await upToCallback(stage, browser)
      const cookiesOfBefore = await browser.copy()
      const member = stage.browser()
      await logIn(stage, member)
      const before = [...stage.store.tokenSets, ...stage.store.logins].sort()
      const exchanges = stage.exchanges()
      stage.store.trouble = trouble
      t.equal(
        (await stage.browser().step(stage.url('/login'))).status,
        302,
        `${what}: a login can begin`
      )
      const failed = await browser.step(callback)
      t.equal(
        `${failed.status} ${errorCode(failed)}`,
        '503 LE_AUTH_STORE_UNAVAILABLE',
        `${what}: at the callback`
      )
      const me = await member.script(stage.url('/me'))
      t.match(
        `${me.status} ${errorCode(me)}`,
        /^(200 undefined|503 LE_AUTH_STORE_UNAVAILABLE)$/,
        `${what}: at /me`
      )
      stage.store.trouble = () => undefined
      t.equal(
        stage.exchanges() - exchanges,
        known === 'exchanged' ? 1 : 0,
        `${what}: code exchanges`
      )
      t.equal(await stage.me(browser), null, `${what}: nobody is logged in`)
      if (!/^down$|throwing$/.test(what)) {
        t.same(
          [...stage.store.tokenSets, ...stage.store.logins].sort(),
          before,
          `${what}: no record is left over`
        )
      }
      t.equal(await stage.me(member), AGENT.id, `${what}: an outage logs nobody out`)
      t.equal(
        await whoIs(stage, stage.browser(), failed.setCookies.join('; ')),
        null,
        `${what}: none of its cookies logs anybody in`
      )
      const again = await cookiesOfBefore.step(callback)
      t.equal(
        `${again.status} ${errorCode(again)}`,
        known === 'nothing' ? '303 undefined' : '400 LE_AUTH_CALLBACK_INVALID (state_used)',
        `${what}: the state works once`
      )
      t.equal(
        stage.exchanges() - exchanges,
        known === 'used' ? 0 : 1,
        `${what}: a code is exchanged once`
      )
    }
    const browser = stage.browser()
    stage.store.trouble = () => ({ delayMs: 20 })
    t.equal(
      (await logIn(stage, browser, AGENT, '/login?returnTo=/me')).json().id,
      AGENT.id,
      'a slow store only delays the login'
    )
  },
  {
    options: {
      onLogin: (_event, { session }) => {
        Object.assign(session, { note: 'x' })
      }
    }
  }
)

attack(
  'FT4',
  'a store that never responds counts as down after five seconds, and a later ' +
    'response has no effect',
  'RFC 6749 §4.1.2',
  async (t, stage) => {
    const [member, browser] = [stage.browser(), stage.browser()]
    await logIn(stage, member)
    const callback = await upToCallback(stage, browser)
    const late = gate()
    stage.store.trouble = ({ operation, kind }) =>
      kind === 'login' && operation !== 'destroy' ? { heldUntil: late.pass() } : undefined
    const responses = await Promise.all([member.script(stage.url('/me')), browser.step(callback)])
    stage.store.trouble = () => undefined
    late.open()
    t.same(
      responses.map(response => `${response.status} ${errorCode(response)}`),
      Array(2).fill('503 LE_AUTH_STORE_UNAVAILABLE')
    )
    t.equal(stage.store.tokenSets.length, 1, 'nobody is half logged in')
    await until(() => stage.store.pending === 0)
    t.equal(stage.store.tokenSets.length, 1)
    t.equal(await stage.me(browser), null)
    t.equal(await stage.me(member), AGENT.id, 'an outage logs nobody out')
    t.match(stage.logLines.join(''), '"reason":"timeout"')
  }
)
