import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { RedisStore } from 'connect-redis'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { type Setting, startApp, type TestApp } from '../support/app.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import { whoIs } from '../support/checks.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { cookieHeader } from '../support/cookies.ts'
import { ADMIN, AGENT, enter, logOut, upToCallback } from '../support/login.ts'
import { everything, startRedis } from '../support/redis.ts'
import { isTokenWrite, TestStore } from '../support/stores.ts'
import { gate, hold, until } from '../support/wait.ts'

const APP_SECRET = 'a secret of the app itself, of more than 32 characters'
type Browser = ReturnType<Stage['browser']>

/** Pages that respond when the test lets them. All but /slow/read change the session. */
class SlowPages {
  #waiting: Array<() => void> = []

  readonly routes = (app: FastifyInstance): void => {
    app.get('/slow/read', { onRequest: app.requireAuth }, async () => {
      await this.#wait()
      return 'read'
    })
    app.get('/slow/change', { onRequest: app.requireAuth }, async ({ session }) => {
      await this.#wait()
      Object.assign(session, { note: 'late' })
      return 'changed'
    })
    app.get('/slow/open', async ({ session }) => {
      await this.#wait()
      Object.assign(session, { note: 'late' })
      return 'changed'
    })
  }

  async arrived(count: number): Promise<void> {
    await until(() => this.#waiting.length === count)
  }

  goOn(): void {
    for (const go of this.#waiting.splice(0)) go()
  }

  #wait(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
    })
  }
}

/** Logs out while slow requests are in flight, and lets them finish after it. */
async function logOutMeanwhile(t: Test, stage: Stage, slow: SlowPages): Promise<void> {
  const browser = stage.browser()
  await enter(stage, browser)
  const saved = await cookieHeader(stage, browser)
  const paths = ['/slow/read', '/slow/change', '/slow/open']
  const late = paths.map(
    async path =>
      (await stage.browser().send(stage.url(path), { headers: { cookie: saved } })).status
  )
  await slow.arrived(paths.length)
  t.equal((await logOut(stage, browser)).status, 303)
  slow.goOn()
  t.same(await Promise.all(late), [200, 200, 200])
  t.equal(await whoIs(stage, stage.browser(), saved), null, 'the old cookie logs nobody in')
  t.equal(await stage.me(browser), null)
}

const REVIVED = 'OWASP Session Management Cheat Sheet'
const slow = new SlowPages()
attack(
  'LO3',
  'a slow request that finishes after a logout brings nothing back',
  REVIVED,
  async (t, stage) => {
    await logOutMeanwhile(t, stage, slow)
    t.same([stage.store.logins, stage.store.tokenSets], [[], []])
  },
  { after: slow.routes }
)

const memoryPages = new SlowPages()
attack(
  'LO3',
  'a slow request that finishes after a logout brings nothing back in the memory store',
  REVIVED,
  async t => {
    const app = await startApp(t, { after: memoryPages.routes })
    await logOutMeanwhile(t, staged(app), memoryPages)
  }
)

/** The parts of a stage that `logOutMeanwhile` needs, for an app with another store. */
function staged(app: TestApp): Stage {
  return {
    ...app,
    me: async (browser: Browser) => whoIs(app, browser, await cookieHeader(app, browser))
  } as Stage
}

for (const rolling of [true, false]) {
  const pages = new SlowPages()
  const store = new TestStore()
  attack(
    'LO3',
    `a slow request that finishes after a logout brings no login back in the app’s own session plugin, rolling: ${rolling}`,
    REVIVED,
    async (t, stage) => {
      await logOutMeanwhile(t, stage, pages)
      t.same(
        [store.logins, store.tokenSets],
        [[], []],
        'a late save may bring back the app’s session, but no login'
      )
    },
    {
      options: { store: undefined },
      before: async app => {
        await app.register(cookie)
        await app.register(session, {
          secret: APP_SECRET,
          store,
          rolling,
          cookie: { secure: false }
        })
      },
      after: pages.routes
    }
  )
}

attack(
  'LO3',
  'a slow request that finishes after a logout brings no login back in Redis, ' +
    'whichever session plugin is used',
  REVIVED,
  async t => {
    const redis = await startRedis(t)
    if (redis === null) return
    const client = await redis.client()
    const store = new RedisStore({ client })
    const sessions: Setting[] = [true, false].map(rolling => ({
      before: async app => {
        await app.register(cookie)
        await app.register(session, {
          secret: APP_SECRET,
          store,
          rolling,
          cookie: { secure: false }
        })
      }
    }))
    for (const setting of [...sessions, { options: { store } }]) {
      const pages = new SlowPages()
      const app = await startApp(t, { ...setting, after: pages.routes })
      await logOutMeanwhile(t, staged(app), pages)
      t.same(
        [...(await everything(client)).keys()].filter(key => /le-auth:(login|tokens):/.test(key)),
        [],
        'no login and no tokens'
      )
    }
  }
)

const clock = new Clock()
const timed = { options: { now: clock.now, idleLifetime: 8 * HOUR }, emulator: { now: clock.now } }

for (const [revoke, minutes] of [
  [false, 31],
  [false, 61],
  [true, 31],
  [true, 61]
] as const) {
  attack(
    'LO4',
    `a refresh that finishes after a logout${revoke ? ' with revocation' : ''} stores nothing, ${minutes} minutes after the login`,
    'RFC 7009 §2, RFC 9700 §4.14',
    async (t, stage) => {
      const browser = stage.browser()
      await enter(stage, browser)
      const saved = await cookieHeader(stage, browser)
      clock.advance(minutes * MINUTE)
      const held = hold(stage.sentinel, 'refresh')
      const refreshing = (await browser.copy()).script(stage.url('/me'))
      const response = await held.ready()
      t.equal((await logOut(stage, browser, revoke ? { revoke: 'true' } : {})).status, 303)
      held.release()

      t.equal(
        (await refreshing).status,
        minutes > 60 ? 401 : 200,
        'a request that waits for the refresh finds the logout'
      )
      await until(() =>
        stage
          .events()
          .some(({ event, reason }) => event === 'login_ended' && reason === 'logged_out')
      )
      t.same(
        [stage.store.logins, stage.store.tokenSets],
        [[], []],
        'nothing of the refresh is in the store'
      )
      t.equal(await whoIs(stage, stage.browser(), saved), null)
      t.equal(await stage.me(browser), null)
      const revoked = stage.sentinel.requests
        .filter(({ endpoint }) => endpoint === 'revoke')
        .map(({ body }) => body?.get('token'))
      t.equal(revoked.length, revoke ? 2 : 0)
      if (revoke) t.equal(revoked[1], response.refresh_token, 'the new tokens are revoked too')
    },
    timed
  )
}

attack(
  'LO4',
  'a refresh whose tokens are being written during a logout leaves nothing in the store',
  'RFC 7009 §2, RFC 9700 §4.14',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser)
    const saved = await cookieHeader(stage, browser)
    clock.advance(31 * MINUTE)
    const writing = gate()
    stage.store.trouble = call => (isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined)
    await (await browser.copy()).script(stage.url('/me'))
    await writing.reached()
    t.equal((await logOut(stage, browser, { revoke: 'true' })).status, 303)
    writing.open()

    await until(() =>
      stage.events().some(({ event, reason }) => event === 'login_ended' && reason === 'logged_out')
    )
    t.same(stage.store.tokenSets, [])
    t.equal(await whoIs(stage, stage.browser(), saved), null)
    const revoked = stage.sentinel.requests
      .filter(({ endpoint }) => endpoint === 'revoke')
      .map(({ body }) => body?.get('token'))
    t.equal(new Set(revoked).size, 2, 'the old and the new tokens are revoked')
  },
  timed
)

attack(
  'LO5',
  'a login that finishes after a logout is a valid login, the only one of its browser',
  'RFC 9700 §4.7',
  async (t, stage) => {
    for (const person of [AGENT, ADMIN]) {
      const browser = stage.browser()
      await enter(stage, browser, AGENT)
      const first = await cookieHeader(stage, browser)
      const callback = await upToCallback(stage, browser, '/login', person)
      const held = hold(stage.sentinel, 'token')
      const finishing = browser.step(callback)
      await held.ready()
      t.equal((await logOut(stage, browser)).status, 303)
      t.equal(await whoIs(stage, stage.browser(), first), null, 'the logout takes effect at once')
      held.release()

      t.equal((await finishing).status, 303)
      t.equal(await stage.me(browser), person.id, 'the later login is valid')
      t.equal(await whoIs(stage, stage.browser(), first), null, 'the later login revives nothing')
      t.same([stage.store.logins.length, stage.store.tokenSets.length], [1, 1])
      t.equal((await logOut(stage, browser)).status, 303)
      t.same([stage.store.logins, stage.store.tokenSets], [[], []])
    }
  }
)

const short = new Clock()
attack(
  'LO7',
  'an idle login has ended, and is removed when its cookie is sent',
  'CVE-2024-35220, CVE-2024-29901',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser)
    const saved = await cookieHeader(stage, browser)
    t.equal(await whoIs(stage, stage.browser(), saved), AGENT.id)
    short.advance(5 * MINUTE)
    for (let i = 0; i < 3; i += 1) t.equal(await whoIs(stage, stage.browser(), saved), null)
    await until(() => stage.store.logins.length + stage.store.tokenSets.length === 0)
  },
  { options: { now: short.now, idleLifetime: 5 * MINUTE }, emulator: { now: short.now } }
)

const idle = new Clock()
attack(
  'LO7',
  'an idle login has ended in the app’s own session plugin too, whose cookie never expires',
  'CVE-2024-35220, CVE-2024-29901',
  async (t, stage) => {
    const browser = stage.browser()
    const { setCookies } = await enter(stage, browser)
    t.match(
      setCookies.find(line => line.startsWith('sessionId=')),
      /^(?!.*(Max-Age|Expires))/
    )
    const saved = await cookieHeader(stage, browser)
    for (let i = 0; i < 3; i += 1) {
      idle.advance(HOUR - MINUTE)
      t.equal(await stage.me(browser), AGENT.id, 'each request restarts the hour')
    }
    idle.advance(HOUR)
    for (let i = 0; i < 3; i += 1) t.equal(await stage.me(browser), null)
    t.equal(await whoIs(stage, stage.browser(), saved), null)
  },
  {
    options: { now: idle.now, store: undefined },
    emulator: { now: idle.now },
    before: async app => {
      await app.register(cookie)
      await app.register(session, {
        secret: APP_SECRET,
        store: new TestStore(),
        cookie: { secure: false }
      })
    }
  }
)

for (const rolling of [true, false]) {
  const ahead = new Clock()
  const store = new TestStore()
  attack(
    'LO7',
    `eight hours end a login however busy it is, rolling: ${rolling}`,
    'OWASP Session Management Cheat Sheet',
    async (t, stage) => {
      const browser = stage.browser()
      await enter(stage, browser)
      const saved = await cookieHeader(stage, browser)
      for (let minutes = 20; minutes < 8 * 60; minutes += 20) {
        ahead.advance(20 * MINUTE)
        t.equal(await stage.me(browser), AGENT.id)
      }
      // Each record that the plugin stores contains its own expiry time.
      const ends = [...store.logins, ...store.tokenSets].map(id =>
        Date.parse(JSON.parse(store.records.get(id)!).cookie.expires)
      )
      ahead.advance(20 * MINUTE)
      for (let i = 0; i < 3; i += 1) t.equal(await stage.me(browser), null)
      t.equal(await whoIs(stage, stage.browser(), saved), null)
      t.same(
        ends.map(end => end <= ahead.now()),
        [true, true],
        'a store that removes expired records has no login and no tokens left'
      )
    },
    {
      options: { now: ahead.now, store: undefined },
      emulator: { now: ahead.now, lifetimes: { refreshToken: 24 * HOUR } },
      before: async app => {
        await app.register(cookie)
        await app.register(session, {
          secret: APP_SECRET,
          store,
          rolling,
          cookie: { secure: false }
        })
      }
    }
  )
}
