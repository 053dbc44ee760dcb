import cookie from '@fastify/cookie'
import session, { type SessionStore } from '@fastify/session'
import { RedisStore } from 'connect-redis'
import t, { type Test } from 'tap'
import { redisRefreshLock } from '../../lib/redis-refresh-lock.js'
import { AGENT, errorCode, logIn, startApp, type Setting, type TestApp } from '../support/app.js'
import type { Answer } from '../support/browser.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { everything, startRedis, type RedisClient, type RedisServer } from '../support/redis.js'
import { until } from '../support/shifted.js'

/** However long Redis is away, a request does not wait for it. */
const ANSWERED_WITHIN = 3000
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

async function inTime (ask: () => Promise<Answer>): Promise<Answer> {
  const begun = Date.now()
  const answer = await ask()
  if (Date.now() - begun > ANSWERED_WITHIN) throw new Error(`answered after ${Date.now() - begun} ms`)
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

async function tokenSets (client: RedisClient): Promise<string[]> {
  return [...await everything(client)].filter(([key]) => key.startsWith('sess:le-auth:tokens:')).map(([, value]) => value)
}

function tellsNoAddress (t: Test, { redis, app }: RedisApp, ...answers: Answer[]): void {
  const told = app.logLines.join('') + answers.map(({ text, headers }) => text + JSON.stringify(headers)).join('')
  t.notMatch(told, `:${redis.port}`)
}
