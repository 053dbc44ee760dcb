import { RedisStore } from 'connect-redis'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { SECRET, startApp } from '../support/app.ts'
import type { Browser } from '../support/browser.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { AGENT, logIn } from '../support/login.ts'
import { everything, type RedisClient, startRedis } from '../support/redis.ts'

/**
 * How far the app's clock is ahead of the clock of Redis at the refresh. The clock of Redis cannot
 * be set.
 */
const AHEAD = 2 * HOUR

type Kind = (key: string) => boolean
const logins: Kind = key => key.startsWith('sess:le-auth:login:')
const tokenSets: Kind = key => key.startsWith('sess:le-auth:tokens:')
const activities: Kind = key => key.startsWith('sess:le-auth:active:')
const usedStates: Kind = key => key.startsWith('sess:le-auth:state:')
const revocations: Kind = key => key.startsWith('sess:le-auth:revoke:')
const sessions: Kind = key => !key.startsWith('sess:le-auth:')

t.test('Redis keeps the records of a login only as long as they are needed.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = await redis.client()
  const clock = new Clock()
  const app = await startApp(t, {
    options: { now: clock.now, store: new RedisStore({ client }), idleLifetime: 3 * HOUR },
    emulator: { now: clock.now },
    after: app =>
      app.get(
        '/remember',
        async ({ session }) => Object.assign(session, { cart: ['a pen of the app'] }) && 'ok'
      )
  })
  const issued: string[] = []
  for (const endpoint of ['token', 'refresh'] as const) {
    app.sentinel.always(endpoint, {
      change: response => {
        issued.push(...tokensIn(response))
        return response
      }
    })
  }
  const browser = app.browser()
  await logIn(app, browser)

  await t.test(
    'The login, its tokens and the record of its used state each expire at their own time.',
    async t => {
      await livesFor(t, client, logins, 8 * HOUR)
      await livesFor(t, client, tokenSets, 8 * HOUR)
      await livesFor(t, client, usedStates, HOUR)
      t.equal(await client.dbSize(), 3, 'there is no other record')
    }
  )

  await t.test(
    'A session exists only after the app has written to it, and expires with its cookie.',
    async t => {
      await browser.script(app.url('/remember'))
      await livesFor(t, client, sessions, 8 * HOUR)
    }
  )

  await t.test('The records keep their expiry when the tokens are refreshed.', async t => {
    const before = await onlyOne(client, tokenSets)
    clock.advance(AHEAD)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    t.equal(app.calls('refresh'), 1)
    await livesFor(t, client, tokenSets, 8 * HOUR)
    t.equal(await onlyOne(client, tokenSets), before, 'in the same record')
    // The expiry comes from the app's clock, and the clock of Redis has not moved.
    await livesFor(t, client, activities, AHEAD + 3 * HOUR)
  })

  await t.test('Redis holds no token and no secret that can be read.', async t => {
    t.equal(issued.length, 3 + 2, 'the tokens of the login and of the refresh')
    const texts = [...(await everything(client))].flat()
    t.ok(
      texts.some(text => holds(text, 'a pen of the app')),
      'data that is not secret is found'
    )
    for (const secret of [
      ...issued,
      SECRET,
      EMULATOR_DEFAULTS.clientSecret,
      AGENT.id,
      await cookieOf(browser, app.url('/'))
    ]) {
      t.notOk(texts.some(text => holds(text, secret)))
    }
  })

  await t.test('A logout removes the records of the login.', async t => {
    await browser.submit(app.url('/logout'), {})
    t.same(
      [...(await everything(client)).keys()].filter(key => !usedStates(key)),
      []
    )
  })

  await t.test(
    'A revoking logout removes all records but that of the revocation, which outlives ' +
      'anything still in flight.',
    async t => {
      t.equal(
        (await browser.navigate(app.url('/login'))).text,
        `hello ${AGENT.id}`,
        'Sentinel still knows the user'
      )
      await browser.submit(app.url('/logout'), { revoke: 'true' })
      t.same(
        [...(await everything(client)).keys()].filter(key => !usedStates(key) && !revocations(key)),
        []
      )
      await livesFor(t, client, revocations, AHEAD + 10 * MINUTE)
    }
  )
})

t.test('Visitors and abandoned logins leave nothing in Redis.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = await redis.client()
  const app = await startApp(t, { options: { store: new RedisStore({ client }) } })
  const browser = app.browser()
  for (const path of ['/', '/me', '/login']) await browser.navigate(app.url(path))
  t.equal((await browser.step(app.url('/login'))).status, 302)
  t.equal(await client.dbSize(), 0)
})

async function onlyOne(client: RedisClient, isOfKind: Kind): Promise<string> {
  const keys = (await client.keys('*')).filter(isOfKind)
  if (keys.length !== 1) throw new Error(`not one, but ${keys.length}: ${keys.join(' ')}`)
  return keys[0]!
}

async function livesFor(
  t: Test,
  client: RedisClient,
  isOfKind: Kind,
  lifetime: number
): Promise<void> {
  const left = await client.pTTL(await onlyOne(client, isOfKind))
  // Redis gets whole seconds, rounded up.
  t.ok(left > lifetime - MINUTE && left <= lifetime + 1000, `${left} ms are left of ${lifetime}`)
}

/** The value of the login's cookie, which is as good as the login. */
async function cookieOf(browser: Browser, url: string): Promise<string> {
  return /le-auth=([^;]+)/.exec(await browser.jar.getCookieString(url))![1]!
}

function tokensIn(response: Record<string, string | undefined>): string[] {
  return [response['access_token'], response['refresh_token'], response['id_token']].filter(
    token => token !== undefined
  )
}

/** Whether a text contains another one, as it is or encoded. */
function holds(text: string, part: string): boolean {
  const base64 = Buffer.from(part).toString('base64').replace(/.?=*$/, '')
  return [part, encodeURIComponent(part), base64, Buffer.from(part).toString('hex')].some(form =>
    text.includes(form)
  )
}
