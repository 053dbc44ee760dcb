import { setTimeout as wait } from 'node:timers/promises'
import cookie from '@fastify/cookie'
import session, { type SessionStore } from '@fastify/session'
import { RedisStore } from 'connect-redis'
import t, { type Test } from 'tap'
import { redisRefreshLock } from '../../lib/store/redis-refresh-lock.js'
import { AGENT, errorCode, logIn, logOut, startApp, upToCallback, type Setting, type TestApp } from '../support/app.js'
import type { Answer } from '../support/browser.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { everything, startRedis, type RedisClient, type RedisServer } from '../support/redis.js'
import { until } from '../support/shifted.js'

/** However long Redis is away, a request does not wait for it. */
const ANSWERED_WITHIN = 3000
/** How long the plugin waits for one call of a store, in ms. */
const STORE_DEADLINE = 5000
/** Some requests make several calls: a write that fails, and one that takes back what came before it. */
const SILENT_CALLS = 4
const LEASE = 1000

interface RedisApp {
  redis: RedisServer
  client: RedisClient
  app: TestApp
  clock: Clock
}

async function startRedisApp (t: Test, setting: (store: SessionStore) => Setting = () => ({})): Promise<RedisApp | null> {
  const redis = await startRedis(t, { durable: true })
  if (redis === null) return null
  const client = await redis.client()
  const clock = new Clock()
  const store = new RedisStore({ client }) as unknown as SessionStore
  const app = await startApp(t, {
    options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR }, refreshLock: redisRefreshLock(client, { lease: LEASE }) },
    emulator: { now: clock.now },
    ...setting(store)
  })
  return { redis, client, app, clock }
}

async function startAgain ({ redis, client }: RedisApp): Promise<void> {
  await redis.start()
  await until(() => client.isReady)
}

/** An answer of a request that has to wait for a Redis that says nothing. */
async function waited (ask: () => Promise<Answer>): Promise<Answer> {
  return within(SILENT_CALLS * STORE_DEADLINE + ANSWERED_WITHIN, ask)
}

async function inTime (ask: () => Promise<Answer>): Promise<Answer> {
  return within(ANSWERED_WITHIN, ask)
}

async function within (ms: number, ask: () => Promise<Answer>): Promise<Answer> {
  const begun = Date.now()
  const answer = await ask()
  if (Date.now() - begun > ms) throw new Error(`answered after ${Date.now() - begun} ms`)
  return answer
}

t.test('while Redis is away requests fail at once, and afterwards everybody is still logged in', async t => {
  const setting = await startRedisApp(t)
  if (setting === null) return
  const { redis, app, clock } = setting
  const [browser, stranger] = [app.browser(), app.browser()]
  await logIn(app, browser)
  await redis.stop()
  for (const minutes of [0, 61]) {
    clock.advance(minutes * MINUTE)
    for (const path of ['/', '/me', '/users']) {
      const answer = await inTime(() => browser.script(app.url(path)))
      t.equal(`${answer.status} ${errorCode(answer)}`, '503 LE_AUTH_STORE_UNAVAILABLE', path)
    }
  }
  t.equal((await inTime(() => stranger.navigate(app.url('/')))).text, 'hello stranger', 'who has no session needs none')
  t.equal((await inTime(() => stranger.step(app.url('/login')))).status, 302)
  tellsNoAddress(t, setting, ...browser.history)

  await startAgain(setting)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
})

t.test('a login or a logout that meets the outage is told so, and can be done afterwards', async t => {
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
  t.equal((await browser.script(app.url('/me'))).status, 200, 'a logout that failed is none')
  await browser.submit(app.url('/logout'), {})
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal((await other.navigate(app.url('/login'))).text, `hello ${AGENT.id}`)
})

t.test('new tokens that fall into the outage are stored after it, and no refresh token is used twice', async t => {
  const setting = await startRedisApp(t)
  if (setting === null) return
  const { redis, client, app, clock } = setting
  const browser = app.browser()
  await logIn(app, browser)
  clock.advance(61 * MINUTE)
  app.sentinel.next('refresh', { change: async answer => { await redis.stop(); return answer } })
  const answer = await inTime(() => browser.script(app.url('/users')))
  t.equal(`${answer.status} ${errorCode(answer)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
  tellsNoAddress(t, setting, answer)

  await startAgain(setting)
  const before = await tokenSets(client)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.equal(app.calls('refresh'), 1)
  t.equal((await tokenSets(client)).filter(record => !before.includes(record)).length, 1)
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/users'))).json().status, 200, 'and the next one works with what was kept')
})

t.test('with the app’s own @fastify/session, too, requests fail at once and nobody is logged out', async t => {
  const setting = await startRedisApp(t, store => ({
    options: {},
    emulator: {},
    before: async app => {
      await app.register(cookie)
      await app.register(session, { secret: 'a secret of the app itself, of more than 32 characters', store, cookie: { secure: 'auto' } })
    }
  }))
  if (setting === null) return
  const { redis, app } = setting
  const browser = app.browser()
  await logIn(app, browser)
  await redis.stop()
  for (const path of ['/', '/me', '/users']) {
    const answer = await inTime(() => browser.script(app.url(path)))
    t.ok(answer.status >= 500, `${path} fails with what the store said`)
  }
  tellsNoAddress(t, setting, ...browser.history)
  await startAgain(setting)
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
})

t.test('where Redis is silent and its connection stays open, a request waits for its deadline and no longer, however many there are', async t => {
  const setting = await startRedisApp(t)
  if (setting === null) return
  const { redis, app, clock } = setting
  const [browser, other, stranger] = [app.browser(), app.browser(), app.browser()]
  for (const who of [browser, other]) await logIn(app, who)
  clock.advance(61 * MINUTE)
  const callback = await upToCallback(app, stranger, '/login')
  redis.freeze()
  const begun = Date.now()
  const asked = ['/', '/me', '/users', '/', '/me', '/users'].map(async (path, index) => {
    // Each writes to the connection, which is never idle so.
    await wait(500 * index)
    return waited(() => browser.script(app.url(path)))
  })
  asked.push(waited(() => stranger.step(callback)), waited(() => logOut(app, other)))
  for (const answer of await Promise.all(asked)) t.equal(`${answer.status} ${errorCode(answer)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
  t.ok(Date.now() - begun > STORE_DEADLINE)
  t.match(app.logLines.join(''), '"reason":"timeout"')
  tellsNoAddress(t, setting, ...browser.history)

  redis.goOn()
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  t.equal(app.calls('refresh'), 1)
})

t.test('where Redis falls silent during a refresh, its requests are answered, and the new tokens are kept', async t => {
  const setting = await startRedisApp(t)
  if (setting === null) return
  const { redis, app, clock } = setting
  const browser = app.browser()
  await logIn(app, browser)
  clock.advance(61 * MINUTE)
  app.sentinel.next('refresh', { change: answer => { redis.freeze(); return answer } })
  const answers = await Promise.all([1, 2, 3].map(() => waited(() => browser.script(app.url('/users')))))
  for (const answer of answers) t.equal(`${answer.status} ${errorCode(answer)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
  redis.goOn()
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.equal(app.calls('refresh'), 1)
})

async function tokenSets (client: RedisClient): Promise<string[]> {
  return [...await everything(client)].filter(([key]) => key.startsWith('sess:le-auth:tokens:')).map(([, value]) => value)
}

function tellsNoAddress (t: Test, { redis, app }: RedisApp, ...answers: Answer[]): void {
  const told = app.logLines.join('') + answers.map(({ text, headers }) => text + JSON.stringify(headers)).join('')
  t.notMatch(told, `:${redis.port}`)
}
