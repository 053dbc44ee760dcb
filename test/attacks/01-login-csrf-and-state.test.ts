import { RedisStore } from 'connect-redis'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { startApp } from '../support/app.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import { failsCleanly, expectRefused } from '../support/attack/callbacks.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.ts'
import { cookieHeader } from '../support/cookies.ts'
import { ADMIN, AGENT, upToCallback } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'
import { startRedis } from '../support/redis.ts'
import { twoApps } from '../support/two-apps.ts'

/** The query of a URL, without the question mark. */
const queryOf = (url: string): string => new URL(url).searchParams.toString()
const stateIn = (url: string): string => new URL(url).searchParams.get('state')!

/** Routes that fill a session, and show its content. */
const CART = {
  after: (app: FastifyInstance) => {
    app.get('/fill', async ({ session }) => {
      Object.assign(session, { cart: ['a book'] })
      return 'filled'
    })
    app.get('/cart', async ({ session }) => ({
      cart: (session as { cart?: unknown }).cart ?? null
    }))
  }
}

attack(
  'LC1',
  'a forged callback logs nobody in',
  'RFC 6749 §10.12, RFC 9700 §4.7, CVE-2025-14546',
  async (t, stage) => {
    const empty = stage.browser()
    const shopping = stage.browser()
    await shopping.step(stage.url('/fill'))
    const sessions = stage.store.records.size
    for (const browser of [empty, shopping]) {
      for (const query of ['code=A&state=x', `code=A&state=${'x'.repeat(43)}`, 'code=A', '']) {
        await expectRefused(t, stage, browser, query)
      }
    }
    t.equal(stage.store.records.size, sessions, 'nothing was stored')
    t.same(
      (await shopping.script(stage.url('/cart'))).json(),
      { cart: ['a book'] },
      'the session is unchanged'
    )
    t.equal(stage.exchanges(), 0)
  },
  CART
)

attack(
  'LC2',
  'an attacker’s code and state are worthless in the victim’s browser',
  'CVE-2023-31999, CVE-2025-68158, CVE-2026-41425, CVE-2025-68481, CVE-2025-65107',
  async (t, stage) => {
    const attacker = stage.browser()
    const callback = await upToCallback(stage, attacker, '/page/attacker', ADMIN)
    const withLogin = stage.browser()
    const own = await upToCallback(stage, withLogin)
    for (const victim of [withLogin, stage.browser()]) {
      await expectRefused(t, stage, victim, queryOf(callback))
      t.equal(await stage.me(victim), null)
    }
    t.equal(stage.store.records.size, 0, 'nothing was stored')
    t.equal(
      (await attacker.step(callback)).location,
      '/page/attacker',
      'the browser that began the login can still finish it'
    )
    await expectRefused(t, stage, withLogin, queryOf(callback))
    t.equal((await withLogin.step(own)).status, 303)
    t.same([await stage.me(attacker), await stage.me(withLogin)], [ADMIN.id, AGENT.id])
  }
)

attack(
  'LC4',
  'a state works once, whatever code and cookies come with it',
  'RFC 6749 §10.12',
  async (t, stage) => {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser, '/page/there')
    const cookiesOfBefore = await browser.copy()
    t.equal((await browser.step(callback)).status, 303)
    const second = `code=${await stage.codeOf(ADMIN)}&state=${stateIn(callback)}`
    await expectRefused(t, stage, cookiesOfBefore, second)
    t.equal(await stage.me(cookiesOfBefore), null)
    t.equal(
      (await stage.callback(browser, second)).location,
      '/page/there',
      'while the login lives, the callback only redirects to its page'
    )
    t.equal(await stage.me(browser), AGENT.id)
    t.equal(stage.exchanges(), 1)
  }
)

attack(
  'LC4',
  'a state that one process has used is refused by another process',
  'RFC 6749 §10.12',
  async t => {
    const { one, other, sentinel, toOther } = await twoApps(t)
    for (const [fault, status, code] of [
      [null, 303, 'LE_AUTH_CALLBACK_INVALID (login_ended)'],
      [{ status: 500 }, 503, 'LE_AUTH_CALLBACK_INVALID (state_used)']
    ] as const) {
      const browser = one.browser()
      const callback = await upToCallback(one, browser)
      const there = await toOther(browser)
      if (fault !== null) sentinel.next('token', fault)
      t.equal((await browser.step(callback)).status, status)
      const exchanges = one.calls('token')
      for (const query of [queryOf(callback), `code=another&state=${stateIn(callback)}`]) {
        const replay = await there.step(other.url(`/callback?${query}`))
        t.equal(`${replay.status} ${errorCode(replay)}`, `400 ${code}`)
      }
      t.equal(one.calls('token'), exchanges, 'the code is not sent again')
      t.equal((await there.script(other.url('/me'))).status, 401)
    }
  }
)

attack(
  'LC4',
  'a used state is refused, whatever the store has made of its record',
  'RFC 6749 §10.12',
  async t => {
    for (const left of [{}, { leAuth: null }, { leAuth: 'x' }, { leAuth: { returnPath: 5 } }]) {
      const { one, other, store, toOther } = await twoApps(t)
      const browser = one.browser()
      const callback = await upToCallback(one, browser)
      const there = await toOther(browser)
      t.equal((await browser.step(callback)).status, 303)
      const { id } = store.calls.find(
        ({ operation, kind }) => `${operation} ${kind}` === 'set used state'
      )!
      store.rewrite(id, () => left)
      const response = await there.step(callback)
      t.equal(
        `${response.status} ${errorCode(response)}`,
        '400 LE_AUTH_CALLBACK_INVALID (state_used)',
        JSON.stringify(left)
      )
      t.equal((await there.script(other.url('/me'))).status, 401)
      t.equal(one.calls('token'), 1)
    }
  }
)

attack(
  'LC5',
  'a state that is missing, doubled or changed in any way is refused',
  'RFC 6749 §3.1, §10.12',
  async (t, stage) => {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser)
    const state = stateIn(callback)
    const changed = [
      'code=A',
      'code=A&state=',
      'code=A&state',
      `code=A&state=${state}&state=${state}`,
      `code=A&state=${state}&state=x`,
      `code=A&state=x&state=${state}`,
      `code=A&state=&state=${state}`,
      `code=A&state[]=${state}`,
      `code=A&state%5B0%5D=${state}`,
      `code=A&State=${state}`,
      `code=A;state=${state}`,
      `code=A&state=${swappedCase(state)}`,
      `code=A&state=${state.toLowerCase()}`,
      `code=A&state=${state}a`,
      `code=A&state=${state.slice(0, -1)}`,
      `code=A&state=${state.slice(1)}`,
      `code=A&state=${state}%00`,
      `code=A&state=${state}%20`,
      `code=A&state=%20${state}`,
      `code=A&state=${state}=`,
      `code=A&state=${'x'.repeat(12_000)}`
    ]
    for (const query of changed) await expectRefused(t, stage, browser, query)
    const cookie = `Cookie: ${await cookieHeader(stage, browser)}`
    for (const length of [20_000, 65_536]) {
      const { status } = await rawRequest(stage, `/callback?code=A&state=${'x'.repeat(length)}`, {
        headers: [cookie]
      })
      t.equal(status, 431, `a state of ${length} bytes, which Node does not take`)
    }
    t.equal(stage.exchanges(), 0)
    t.equal((await browser.step(callback)).status, 303, 'none of these requests has used the state')
  }
)

/** The same letters in the other case. A state has 43 characters, so some of them change. */
function swappedCase(text: string): string {
  return text.replace(/[a-z]/gi, letter =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
  )
}

const NAMES = [
  'constructor',
  '__proto__',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'cookie',
  'save',
  'sessionId',
  'le-auth',
  'leAuth'
]

attack(
  'LC6',
  'a state that is the name of a property of every object matches nothing',
  'CVE-2022-39288, CVE-2026-47219',
  async (t, stage) => {
    const browser = stage.browser()
    await browser.step(stage.url('/fill'))
    const callback = await upToCallback(stage, browser)
    for (const state of NAMES) {
      const response = await expectRefused(t, stage, browser, `code=A&state=${state}`)
      t.equal(errorCode(response), 'LE_AUTH_CALLBACK_INVALID (state_malformed)')
    }
    t.equal((await browser.step(callback)).status, 303)
  },
  CART
)

t.test(
  'LC6 a state that is the name of a property of every object matches nothing in ' +
    'Redis [CVE-2022-39288, CVE-2026-47219]',
  async t => {
    const redis = await startRedis(t)
    if (redis === null) return
    const client = await redis.client()
    const app = await startApp(t, { options: { store: new RedisStore({ client }) } })
    const browser = app.browser()
    const callback = await upToCallback(app, browser)
    for (const state of NAMES) {
      const response = await browser.step(app.url(`/callback?code=A&state=${state}`))
      t.equal(
        `${response.status} ${errorCode(response)}`,
        '400 LE_AUTH_CALLBACK_INVALID (state_malformed)',
        state
      )
    }
    t.equal(await client.dbSize(), 0, 'nothing was stored')
    t.equal(app.calls('token'), 0)
    t.equal((await browser.step(callback)).status, 303)
  }
)

const late = new Clock()
attack(
  'LC7',
  'a pending login still works after ten minutes, and has expired after fifteen',
  'RFC 6749 §10.12',
  async (t, stage) => {
    const slow = stage.browser()
    const page = await slow.step(stage.url('/login'))
    const tooSlow = stage.browser()
    const callback = await upToCallback(stage, tooSlow)
    late.advance(10 * MINUTE)
    const response = await stage.sentinel.signIn(page.location!, AGENT.loginName)
    t.equal(
      (await slow.step(response)).status,
      303,
      'ten minutes on Sentinel’s page are not too long'
    )
    t.equal(await stage.me(slow), AGENT.id)

    late.advance(5 * MINUTE + SECOND)
    const stored = stage.store.records.size
    const refused = await expectRefused(t, stage, tooSlow, queryOf(callback))
    t.equal(errorCode(refused), 'LE_AUTH_CALLBACK_INVALID (expired)')
    t.equal(stage.store.records.size, stored, 'nothing of it was or is stored')
    await expectRefused(t, stage, tooSlow, queryOf(callback))
  },
  { options: { now: late.now }, emulator: { now: late.now, lifetimes: { code: HOUR } } }
)

attack(
  'LC8',
  'two tabs can finish their logins in either order, each at its own page',
  'RFC 9700 §4.7.1',
  async (t, stage) => {
    for (const order of [
      [0, 1],
      [1, 0]
    ] as const) {
      const browser = stage.browser()
      const callbacks = [
        await upToCallback(stage, browser, '/login?returnTo=/page/a', AGENT),
        await upToCallback(stage, browser, '/login?returnTo=/page/b', AGENT)
      ]
      const codes = callbacks.map(url => new URL(url).searchParams.get('code')!)
      for (const tab of order) {
        t.equal((await browser.step(callbacks[tab]!)).location, ['/page/a', '/page/b'][tab])
        t.equal(
          lastExchange(stage).get('code'),
          codes[tab],
          'the exchange has the code of that tab'
        )
      }
      t.equal(await stage.me(browser), AGENT.id)
    }
    t.equal(stage.store.logins.length, 2, 'one login for each browser')
  }
)

function lastExchange(stage: Stage): URLSearchParams {
  return stage.sentinel.requests.filter(({ endpoint }) => endpoint === 'token').at(-1)!.body!
}

attack('LC14', 'a failed exchange uses up its state', 'RFC 6749 §4.1.2', async (t, stage) => {
  for (const [body, status] of [
    ['{"error":"invalid_grant"}', 400],
    ['<html>', 502]
  ] as const) {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser)
    stage.sentinel.next('token', { status: 400, body })
    await failsCleanly(t, stage, browser, callback, body, status)
    await expectRefused(t, stage, browser, queryOf(callback))
  }
  t.equal(stage.exchanges(), 2)
})
