import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { LeAuthOptions } from '../../lib/index.ts'
import { SECRET } from '../support/app.ts'
import { type LoginStage, many, refreshAttack } from '../support/attack/attack-on-login.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.ts'
import { idToken } from '../support/id-tokens.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

/** A route that responds, and so saves its session, when the test lets it go. */
class SlowRoute {
  arrived: Promise<void>
  letGo!: () => void
  #arrive!: () => void
  readonly #gone: Promise<void>

  constructor() {
    this.arrived = new Promise(resolve => {
      this.#arrive = resolve
    })
    this.#gone = new Promise(resolve => {
      this.letGo = resolve
    })
  }

  readonly add = (app: FastifyInstance): void => {
    app.get('/slow', { onRequest: app.requireAuth }, async ({ session }) => {
      this.#arrive()
      await this.#gone
      Object.assign(session, { seen: true })
      return 'slow'
    })
  }
}

/** Sessions that are saved late: the plugin's own, and an app's that every response saves. */
const SESSIONS: Array<
  [what: string, before: (app: FastifyInstance) => unknown, settings?: LeAuthOptions]
> = [
  ['the plugin’s own session', () => {}],
  [
    'a rolling session of the app’s',
    async app => {
      await app.register(cookie)
      await app.register(session, {
        secret: SECRET,
        store: new TestStore(),
        cookie: { secure: 'auto' },
        rolling: true,
        saveUninitialized: true
      })
    },
    { store: undefined }
  ]
]

for (const [what, before, settings] of SESSIONS) {
  const clock = new Clock()
  const route = new SlowRoute()
  attack(
    'RF2',
    `a late save brings no old tokens back: ${what}`,
    'RFC 6749 §6',
    async (t, stage) => {
      const issued: string[] = []
      stage.sentinel.always('refresh', {
        change: response => {
          issued.push(response.refresh_token)
          return response
        }
      })
      const user = stage.browser()
      await logIn(stage, user)
      const slow = user.script(stage.url('/slow'))
      await route.arrived
      clock.advance(61 * MINUTE)
      t.equal((await user.script(stage.url('/users'))).json().status, 200)
      route.letGo()
      t.equal((await slow).text, 'slow')
      clock.advance(61 * MINUTE)
      t.equal((await user.script(stage.url('/users'))).json().status, 200)
      t.equal(issued.length, 2)
      t.equal(presented(stage).at(-1), issued[0], 'Sentinel gets the newer refresh token')
      t.equal(await stage.me(user), AGENT.id)
    },
    {
      options: { now: clock.now, idleLifetime: 8 * HOUR, ...settings },
      emulator: { now: clock.now },
      before,
      after: route.add
    }
  )
}

function presented({ sentinel }: Stage): string[] {
  return sentinel.requests
    .filter(({ endpoint }) => endpoint === 'refresh')
    .map(({ body }) => body!.get('refresh_token')!)
}

for (const value of [undefined, null, '', 'x'.repeat(9000), 5, false, {}, ['x']]) {
  refreshAttack(
    'RF6',
    `a response without a new refresh token keeps the present one: ${value === undefined ? 'omitted' : JSON.stringify(value).slice(0, 12)}`,
    'RFC 6749 §6',
    async (t, stage) => {
      stage.sentinel.always('refresh', {
        change: response => ({ ...response, refresh_token: value })
      })
      for (let i = 1; i <= 3; i += 1) {
        stage.endAccessToken()
        t.equal((await stage.user.script(stage.url('/users'))).json().status, 200)
        t.equal(stage.presented().length, i)
      }
      t.equal(new Set(stage.presented()).size, 1)
      t.equal(await stage.me(stage.user), AGENT.id)
    },
    { emulator: { behaviour: { rotateRefreshToken: false } } }
  )
}

type Times = Record<'iat' | 'exp', number>

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** id_tokens that no refresh of this user may return, apart from their times. */
const FOREIGN: Array<[what: string, token: (times: Times) => unknown]> = [
  ['another user', times => idToken({ ...times, sub: ADMIN.id })],
  [
    'another user, whose id has a space at the end',
    times => idToken({ ...times, sub: `${AGENT.id} ` })
  ],
  ['no user', times => idToken({ ...times, sub: undefined })],
  ['a number as user', times => idToken({ ...times, sub: Number(AGENT.id) })],
  ['another issuer', times => idToken({ ...times, iss: 'https://evil.example' })],
  ['another client', times => idToken({ ...times, aud: 'another-client' })],
  ['no algorithm', times => `${base64({ alg: 'none' })}.${idToken(times).split('.')[1]}.`],
  [
    'no algorithm, and a signature',
    times => `${base64({ alg: 'none' })}.${idToken(times).split('.')[1]}.AAAA`
  ],
  ['no signature', times => `${idToken(times).split('.').slice(0, 2).join('.')}.`],
  ['no JWT', () => 'x'],
  ['an object', () => ({ sub: AGENT.id })]
]

refreshAttack(
  'RF7',
  'an id_token of another user in a refresh is refused, and changes nothing',
  'OpenID Connect Core §12.2',
  async (t, stage) => {
    const { url, sentinel, clock } = stage
    for (const [what, token] of FOREIGN) {
      const browser = stage.browser()
      await logIn(stage, browser)
      let brought = ''
      stage.endAccessToken()
      sentinel.next('refresh', {
        change: response => {
          brought = response.access_token
          return { ...response, id_token: token(timesAt(clock)) }
        }
      })
      const refused = await browser.script(url('/me'))
      t.equal(`${refused.status} ${errorCode(refused)}`, '503 LE_AUTH_REFRESH_UNAVAILABLE', what)
      stage.endPause()
      t.equal(await stage.me(browser), AGENT.id, 'the identity is that of the login')
      t.not(
        (await browser.script(url('/token'))).json().accessToken,
        brought,
        'nothing of that response was kept'
      )
      await browser.submit(url('/logout'), {})
    }
  },
  { emulator: { behaviour: { rotateRefreshToken: false }, lifetimes: { ssoSession: 24 * HOUR } } }
)

refreshAttack(
  'RF7',
  'a refresh needs no id_token, and an id_token of the same user gives no new right',
  'OpenID Connect Core §12.2',
  async (t, stage) => {
    const { user, url, sentinel, clock } = stage
    const own: Array<() => unknown> = [
      () => undefined,
      () => idToken({ ...timesAt(clock), is_admin: true }),
      () => idToken({ ...timesAt(clock), iss: 'Sentinel', is_lpa: true, email: 'x@evil.example' })
    ]
    const before = (await user.script(url('/me'))).json()
    for (const token of own) {
      stage.endAccessToken()
      sentinel.next('refresh', { change: response => ({ ...response, id_token: token() }) })
      t.equal((await user.script(url('/users'))).json().status, 200)
      t.same((await user.script(url('/me'))).json(), before)
      t.equal((await user.script(url('/admin'))).status, 403)
    }
    t.equal(stage.calls('refresh'), own.length)
  }
)

function timesAt(clock: Clock): Times {
  const iat = Math.floor(clock.now() / 1000)
  return { iat, exp: iat + 600 }
}

for (const expiresIn of [0, 0.5, 1, '0', '1']) {
  refreshAttack(
    'RF8',
    `a token that is expired on arrival does not trigger a refresh on every request: expires_in ${JSON.stringify(expiresIn)}`,
    'RFC 6749 §5.1',
    async (t, stage) => {
      await isRefreshedSeldom(t, stage, expiresIn)
    }
  )
}

async function isRefreshedSeldom(t: Test, stage: LoginStage, expiresIn: unknown): Promise<void> {
  stage.sentinel.always('refresh', { change: response => ({ ...response, expires_in: expiresIn }) })
  stage.sentinel.always('token', { change: response => ({ ...response, expires_in: expiresIn }) })
  const fresh = stage.browser()
  await logIn(stage, fresh)
  for (const browser of [stage.user, fresh]) {
    stage.endAccessToken()
    const startedAt = stage.clock.now()
    const before = stage.calls('refresh')
    for (let i = 0; i < 10; i += 1) t.equal(await stage.me(browser), AGENT.id)
    for (const { status } of await many(10, () => browser.script(stage.url('/me')))) {
      t.equal(status, 200)
    }
    const calls = stage.calls('refresh') - before
    // The plugin assumes ten seconds for such a token, and refreshes it after four or five of them.
    const most = 1 + Math.ceil((stage.clock.now() - startedAt) / (4 * SECOND))
    t.ok(calls >= 1 && calls <= most, `${calls} refreshes for 20 requests`)
  }
}
