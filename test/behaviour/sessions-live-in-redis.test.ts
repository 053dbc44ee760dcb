import { RedisStore } from 'connect-redis'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.js'
import { AGENT, SECRET, logIn, startApp } from '../support/app.js'
import type { Browser } from '../support/browser.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { everything, startRedis, type RedisClient } from '../support/redis.js'

/** How far the app's clock runs ahead of that of Redis, which nobody can move, when the tokens are refreshed. */
const AHEAD = 2 * HOUR

type Kind = (key: string) => boolean
const logins: Kind = key => key.startsWith('sess:le-auth:login:')
const tokenSets: Kind = key => key.startsWith('sess:le-auth:tokens:')
const activities: Kind = key => key.startsWith('sess:le-auth:active:')
const spentStates: Kind = key => key.startsWith('sess:le-auth:state:')
const revocations: Kind = key => key.startsWith('sess:le-auth:revoke:')
const sessions: Kind = key => !key.startsWith('sess:le-auth:')

t.test('what Redis keeps of a login', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = await redis.client()
  const clock = new Clock()
  const app = await startApp(t, {
    options: { now: clock.now, session: { store: new RedisStore({ client }), idleLifetime: 3 * HOUR } },
    emulator: { now: clock.now },
    after: app => app.get('/remember', async ({ session }) => Object.assign(session, { cart: ['a pen of the app'] }) && 'ok')
  })
  const issued: string[] = []
  for (const endpoint of ['token', 'refresh'] as const) {
    app.sentinel.always(endpoint, { change: answer => { issued.push(...tokensIn(answer)); return answer } })
  }
  const browser = app.browser()
  await logIn(app, browser)

  await t.test('ends by itself: the login, its tokens and the note of its state, each in its own time', async t => {
    await livesFor(t, client, logins, 8 * HOUR)
    await livesFor(t, client, tokenSets, 8 * HOUR)
    await livesFor(t, client, spentStates, HOUR)
    t.equal(await client.dbSize(), 3, 'and there is nothing else')
  })

  await t.test('has a session only when the app has written to it, which ends with the cookie', async t => {
    await browser.script(app.url('/remember'))
    await livesFor(t, client, sessions, 8 * HOUR)
  })

  await t.test('keeps its end when the tokens are refreshed', async t => {
    const before = await onlyOne(client, tokenSets)
    clock.advance(AHEAD)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    t.equal(app.calls('refresh'), 1)
    await livesFor(t, client, tokenSets, 8 * HOUR)
    t.equal(await onlyOne(client, tokenSets), before, 'in the same record')
    // Redis was told by the app's clock when it ends; the time of Redis has not passed.
    await livesFor(t, client, activities, AHEAD + 3 * HOUR)
  })

  await t.test('holds no token and no secret that can be read', async t => {
    t.equal(issued.length, 3 + 2, 'of the login and of the refresh')
    const texts = [...await everything(client)].flat()
    t.ok(texts.some(text => holds(text, 'a pen of the app')), 'what is not secret is found')
    for (const secret of [...issued, SECRET, EMULATOR_DEFAULTS.clientSecret, AGENT.id, await cookieOf(browser, app.url('/'))]) t.notOk(texts.some(text => holds(text, secret)))
  })

  await t.test('is gone with the logout', async t => {
    await browser.submit(app.url('/logout'), {})
    t.same([...(await everything(client)).keys()].filter(key => !spentStates(key)), [])
  })

  await t.test('is gone with a logout that revokes, but for a note of that, which outlives whatever is still on its way', async t => {
    t.equal((await browser.navigate(app.url('/login'))).text, `hello ${AGENT.id}`, 'Sentinel still knows the user')
    await browser.submit(app.url('/logout'), { revoke: 'true' })
    t.same([...(await everything(client)).keys()].filter(key => !spentStates(key) && !revocations(key)), [])
    await livesFor(t, client, revocations, AHEAD + 10 * MINUTE)
  })
})

t.test('visitors and abandoned logins leave nothing in Redis', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = await redis.client()
  const app = await startApp(t, { options: { session: { store: new RedisStore({ client }) } } })
  const browser = app.browser()
  for (const path of ['/', '/me', '/login']) await browser.navigate(app.url(path))
  t.equal((await browser.step(app.url('/login'))).status, 302)
  t.equal(await client.dbSize(), 0)
})

async function onlyOne (client: RedisClient, isOfKind: Kind): Promise<string> {
  const keys = (await client.keys('*')).filter(isOfKind)
  if (keys.length !== 1) throw new Error(`not one, but ${keys.length}: ${keys.join(' ')}`)
  return keys[0]!
}

async function livesFor (t: Test, client: RedisClient, isOfKind: Kind, lifetime: number): Promise<void> {
  const left = await client.pTTL(await onlyOne(client, isOfKind))
  // Redis is told whole seconds, rounded up.
  t.ok(left > lifetime - MINUTE && left <= lifetime + 1000, `${left} ms are left of ${lifetime}`)
}

/** The value of the login's cookie, which is worth a login. */
async function cookieOf (browser: Browser, url: string): Promise<string> {
  return /le-auth=([^;]+)/.exec(await browser.jar.getCookieString(url))![1]!
}

function tokensIn (answer: Record<string, string | undefined>): string[] {
  return [answer['access_token'], answer['refresh_token'], answer['id_token']].filter(token => token !== undefined)
}

/** Whether a text has another one in it, as it is or only written differently. */
function holds (text: string, part: string): boolean {
  const base64 = Buffer.from(part).toString('base64').replace(/.?=*$/, '')
  return [part, encodeURIComponent(part), base64, Buffer.from(part).toString('hex')].some(form => text.includes(form))
}
