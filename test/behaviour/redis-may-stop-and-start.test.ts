import { setTimeout as wait } from 'node:timers/promises'
import cookie from '@fastify/cookie'
import session, { type SessionStore } from '@fastify/session'
import { RedisStore } from 'connect-redis'
import t, { type Test } from 'tap'
import { redisLock } from '../../lib/store/redis-lock.ts'
import { type Setting, startApp, type TestApp } from '../support/app.ts'
import type { PageResponse } from '../support/browser.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { AGENT, logIn, logOut, upToCallback } from '../support/login.ts'
import { everything, type RedisClient, type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

/** However long Redis is down, a request ends within this time, in ms. */
const RESPONDS_WITHIN = 3000
/** How long the plugin waits for one call of a store, in ms. */
const STORE_DEADLINE = 5000
/**
 * Some requests make several calls: a write that fails, and one that undoes the write before it.
 */
const SILENT_CALLS = 4
const LEASE = 1000

interface RedisApp {
  redis: RedisServer
  client: RedisClient
  app: TestApp
  clock: Clock
}

async function startRedisApp(
  t: Test,
  setting: (store: SessionStore) => Setting = () => ({})
): Promise<RedisApp | null> {
  const redis = await startRedis(t, { durable: true })
  if (redis === null) return null
  const client = await redis.client()
  const clock = new Clock()
  const store = new RedisStore({ client }) as unknown as SessionStore
  const app = await startApp(t, {
    options: {
      now: clock.now,
      store,
      idleLifetime: 8 * HOUR,
      lock: redisLock(client, { lease: LEASE })
    },
    emulator: { now: clock.now },
    ...setting(store)
  })
  return { redis, client, app, clock }
}

async function startAgain({ redis, client }: RedisApp): Promise<void> {
  await redis.start()
  await until(() => client.isReady)
}

/** The response to a request that has to wait for a silent Redis. */
async function waited(send: () => Promise<PageResponse>): Promise<PageResponse> {
  return within(SILENT_CALLS * STORE_DEADLINE + RESPONDS_WITHIN, send)
}

async function inTime(send: () => Promise<PageResponse>): Promise<PageResponse> {
  return within(RESPONDS_WITHIN, send)
}

async function within(ms: number, send: () => Promise<PageResponse>): Promise<PageResponse> {
  const begun = Date.now()
  const response = await send()
  if (Date.now() - begun > ms) throw new Error(`responded after ${Date.now() - begun} ms`)
  return response
}

t.test(
  'Requests fail at once if Redis is down, and all users are still logged in afterwards.',
  async t => {
    const setting = await startRedisApp(t)
    if (setting === null) return
    const { redis, app, clock } = setting
    const [browser, visitor] = [app.browser(), app.browser()]
    await logIn(app, browser)
    await redis.stop()
    for (const minutes of [0, 61]) {
      clock.advance(minutes * MINUTE)
      for (const path of ['/', '/me', '/users']) {
        const response = await inTime(() => browser.script(app.url(path)))
        t.equal(`${response.status} ${errorCode(response)}`, '503 LE_AUTH_STORE_UNAVAILABLE', path)
      }
    }
    t.equal(
      (await inTime(() => visitor.navigate(app.url('/')))).text,
      'hello stranger',
      'a visitor without a session needs no Redis'
    )
    t.equal((await inTime(() => visitor.step(app.url('/login')))).status, 302)
    tellsNoAddress(t, setting, ...browser.history)

    await startAgain(setting)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  }
)

t.test(
  'A login or logout during a Redis outage fails with an error that says so, and works ' +
    'afterwards.',
  async t => {
    const setting = await startRedisApp(t)
    if (setting === null) return
    const { redis, app } = setting
    const browser = app.browser()
    await logIn(app, browser)
    const other = app.browser()
    await redis.stop()
    const login = await inTime(() => logIn(app, other))
    t.equal(`${login.status} ${errorCode(login)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
    const logout = await inTime(() => browser.submit(app.url('/logout'), {}))
    t.equal(`${logout.status} ${errorCode(logout)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
    tellsNoAddress(t, setting, login, logout)

    await startAgain(setting)
    t.equal(
      (await browser.script(app.url('/me'))).status,
      200,
      'a failed logout does not end the login'
    )
    await browser.submit(app.url('/logout'), {})
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.equal((await other.navigate(app.url('/login'))).text, `hello ${AGENT.id}`)
  }
)

t.test(
  'New tokens that arrive in a Redis outage are stored after it, and no refresh token is ' +
    'used twice.',
  async t => {
    const setting = await startRedisApp(t)
    if (setting === null) return
    const { redis, client, app, clock } = setting
    const browser = app.browser()
    await logIn(app, browser)
    clock.advance(61 * MINUTE)
    app.sentinel.next('refresh', {
      change: async response => {
        await redis.stop()
        return response
      }
    })
    const response = await inTime(() => browser.script(app.url('/users')))
    t.equal(`${response.status} ${errorCode(response)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
    tellsNoAddress(t, setting, response)

    await startAgain(setting)
    const before = await tokenSets(client)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal(app.calls('refresh'), 1)
    t.equal((await tokenSets(client)).filter(record => !before.includes(record)).length, 1)
    clock.advance(61 * MINUTE)
    t.equal(
      (await browser.script(app.url('/users'))).json().status,
      200,
      'the next refresh works with the tokens that were kept'
    )
  }
)

t.test(
  'A Redis outage also logs nobody out if the app has its own @fastify/session, and ' +
    'requests fail at once.',
  async t => {
    const setting = await startRedisApp(t, store => ({
      options: {},
      emulator: {},
      before: async app => {
        await app.register(cookie)
        await app.register(session, {
          secret: 'a secret of the app itself, of more than 32 characters',
          store,
          cookie: { secure: 'auto' }
        })
      }
    }))
    if (setting === null) return
    const { redis, app } = setting
    const browser = app.browser()
    await logIn(app, browser)
    await redis.stop()
    for (const path of ['/', '/me', '/users']) {
      const response = await inTime(() => browser.script(app.url(path)))
      t.ok(response.status >= 500, `${path} fails with the error of the store`)
    }
    tellsNoAddress(t, setting, ...browser.history)
    await startAgain(setting)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  }
)

t.test(
  'If Redis is silent and its connection stays open, a request waits only for its deadline, ' +
    'however many requests there are.',
  async t => {
    const setting = await startRedisApp(t)
    if (setting === null) return
    const { redis, app, clock } = setting
    const [browser, other, visitor] = [app.browser(), app.browser(), app.browser()]
    for (const each of [browser, other]) await logIn(app, each)
    clock.advance(61 * MINUTE)
    const callback = await upToCallback(app, visitor, '/login')
    redis.freeze()
    const begun = Date.now()
    const requests = ['/', '/me', '/users', '/', '/me', '/users'].map(async (path, index) => {
      // Each request writes to the connection, so it is never idle.
      await wait(500 * index)
      return waited(() => browser.script(app.url(path)))
    })
    requests.push(
      waited(() => visitor.step(callback)),
      waited(() => logOut(app, other))
    )
    for (const response of await Promise.all(requests)) {
      t.equal(`${response.status} ${errorCode(response)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
    }
    t.ok(Date.now() - begun > STORE_DEADLINE)
    t.match(app.logLines.join(''), '"reason":"timeout"')
    tellsNoAddress(t, setting, ...browser.history)

    redis.goOn()
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
    t.equal(app.calls('refresh'), 1)
  }
)

t.test(
  'If Redis falls silent during a refresh, its requests get a response, and the new tokens ' +
    'are kept.',
  async t => {
    const setting = await startRedisApp(t)
    if (setting === null) return
    const { redis, app, clock } = setting
    const browser = app.browser()
    await logIn(app, browser)
    clock.advance(61 * MINUTE)
    app.sentinel.next('refresh', {
      change: response => {
        redis.freeze()
        return response
      }
    })
    const responses = await Promise.all(
      [1, 2, 3].map(() => waited(() => browser.script(app.url('/users'))))
    )
    for (const response of responses) {
      t.equal(`${response.status} ${errorCode(response)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
    }
    redis.goOn()
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal(app.calls('refresh'), 1)
  }
)

async function tokenSets(client: RedisClient): Promise<string[]> {
  return [...(await everything(client))]
    .filter(([key]) => key.startsWith('sess:le-auth:tokens:'))
    .map(([, value]) => value)
}

function tellsNoAddress(t: Test, { redis, app }: RedisApp, ...responses: PageResponse[]): void {
  const told =
    app.logLines.join('') +
    responses.map(({ text, headers }) => text + JSON.stringify(headers)).join('')
  t.notMatch(told, `:${redis.port}`)
}
