import { RedisStore } from 'connect-redis'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS, type Fault } from '../../lib/emulator/index.ts'
import { redisLock } from '../../lib/store/redis-lock.ts'
import { many, refreshAttack } from '../support/attack/attack-on-login.ts'
import { attack } from '../support/attack/attack.ts'
import { errorCode } from '../support/checks.ts'
import { HOUR, MINUTE, SHORT_DEADLINE } from '../support/clock.ts'
import { FairLock } from '../support/fair-lock.ts'
import { AGENT, logIn, type Person, upToCallback } from '../support/login.ts'
import { startRedis } from '../support/redis.ts'
import { twoApps, type TwoApps } from '../support/two-apps.ts'
import { until } from '../support/wait.ts'

// The emulator rotates refresh tokens, and a second use ends the login, unless a row says
// otherwise.

refreshAttack(
  'RF1',
  'twenty requests at once refresh once, and all get a response',
  'RFC 9700 §4.14.2, CVE-2026-53517',
  async (t, { user, url, calls, endAccessToken, me }) => {
    for (let round = 1; round <= 3; round += 1) {
      endAccessToken()
      const responses = await many(20, () => user.script(url('/users')))
      t.same(
        responses.map(response => response.json().status),
        Array(20).fill(200)
      )
      t.equal(calls('refresh'), round)
    }
    t.equal(await me(user), AGENT.id)
  }
)

attack(
  'RF1',
  'two processes with a lock refresh once',
  'RFC 9700 §4.14.2, CVE-2026-53517',
  async t => {
    await refreshTogether(t, await twoApps(t, {}, { lock: new FairLock() }), 1)
  }
)

attack(
  'RF1',
  'two processes without a lock may both refresh, and log nobody out if ' +
    'Sentinel only refuses the second',
  'RFC 9700 §4.14.2, CVE-2026-53517',
  async t => {
    await refreshTogether(t, await twoApps(t, { behaviour: { reuseKillsFamily: false } }), 2)
  }
)

t.test(
  'RF1 two processes on Redis with its lock refresh once [RFC 9700 §4.14.2, CVE-2026-53517]',
  async t => {
    const redis = await startRedis(t)
    if (redis === null) return
    const client = await redis.client()
    await refreshTogether(
      t,
      await twoApps(
        t,
        {},
        { store: new RedisStore({ client }), idleLifetime: 8 * HOUR, lock: redisLock(client) }
      ),
      1
    )
  }
)

/** Twenty requests in two processes, three times. */
async function refreshTogether(
  t: Test,
  { one, other, clock, toOther }: TwoApps,
  most: number
): Promise<void> {
  const browser = one.browser()
  await logIn(one, browser)
  const there = await toOther(browser)
  for (let round = 1; round <= 3; round += 1) {
    const before = one.calls('refresh')
    clock.advance(61 * MINUTE)
    const responses = (
      await Promise.all([
        many(10, () => browser.script(one.url('/users'))),
        many(10, () => there.script(other.url('/users')))
      ])
    ).flat()
    t.same(
      responses.map(response => `${response.status} ${response.json().status}`),
      Array(20).fill('200 200')
    )
    const calls = one.calls('refresh') - before
    t.ok(calls >= 1 && calls <= most, `${calls} refreshes in round ${round}`)
  }
  t.equal((await there.script(other.url('/me'))).json().id, AGENT.id)
}

const USERS: Person[] = Array.from({ length: 50 }, (_, i) => ({
  id: `user-${i}`,
  loginName: `user-${i}@example.com`
}))

refreshAttack(
  'RF3',
  'fifty users who refresh at the same time get their own tokens',
  'CVE-2025-67490, CVE-2026-40155',
  async (t, stage) => {
    const { users: known } = stage.sentinel.accounts[0]!
    known.push(
      ...USERS.map(user => ({ ...known[0]!, ...user, password: EMULATOR_DEFAULTS.password }))
    )
    const browsers = []
    for (const person of USERS) {
      const browser = stage.browser()
      await browser.step(await upToCallback(stage, browser, '/login', person))
      browsers.push(browser)
    }
    const owners = new Map<string, string>()
    for (let round = 1; round <= 2; round += 1) {
      stage.endAccessToken()
      USERS.forEach(() =>
        stage.sentinel.next('refresh', { delayMs: Math.floor(Math.random() * 100) })
      )
      await Promise.all(
        browsers.flatMap((browser, i) =>
          [0, 1].map(async () => {
            const me = await browser.script(stage.url('/me'))
            t.equal(me.json().id, USERS[i]!.id)
            const { accessToken } = (await browser.script(stage.url('/token'))).json()
            t.ok(
              [undefined, USERS[i]!.id].includes(owners.get(accessToken)),
              'no other user has this token'
            )
            owners.set(accessToken, USERS[i]!.id)
          })
        )
      )
      for (const [i, browser] of browsers.entries()) {
        t.equal((await browser.script(stage.url('/users'))).json().status, 200)
        stage.sentinel.expireAccessTokens(USERS[i]!.id)
        // A token as new as this one is not refreshed after a 401.
        t.equal(
          (await browser.script(stage.url('/users'))).json().status,
          401,
          `${USERS[i]!.id} has the token that Sentinel issued for them`
        )
      }
      t.equal(stage.calls('refresh'), USERS.length * round)
    }
    t.equal(owners.size, 2 * USERS.length)
  }
)

const ILLNESSES: Fault[] = [
  { status: 500 },
  { status: 503, body: '<html>Service Unavailable</html>' },
  { status: 429 },
  { status: 200, body: '<html>' },
  { status: 200 },
  { status: 200, body: '{"access_token":' },
  { status: 302, headers: { location: 'https://evil.example/' } },
  { hang: true },
  { cutOff: 'unprocessed' },
  { cutOff: 'mid-body' },
  { drip: 200 }
]

for (const illness of ILLNESSES) {
  refreshAttack(
    'RF4',
    `an outage of Sentinel logs nobody out: ${JSON.stringify(illness)}`,
    'RFC 6749 §5.2',
    async (t, stage) => {
      const { user, url, sentinel, clock, store } = stage
      const sessions = [...store.logins, ...store.tokenSets]
      const before = (await user.script(url('/token'))).json().accessToken
      sentinel.always('refresh', illness)
      clock.advance(31 * MINUTE)
      t.equal(
        (await user.script(url('/token'))).json().accessToken,
        before,
        'the present token is used while it lives'
      )
      await until(() => stage.events().some(({ event }) => event === 'refresh_failed'))
      clock.advance(30 * MINUTE)
      const failed = await user.script(url('/me'))
      t.equal(`${failed.status} ${errorCode(failed)}`, '503 LE_AUTH_REFRESH_UNAVAILABLE')
      t.same([...store.logins, ...store.tokenSets], sessions, 'the login is kept')
      sentinel.always('refresh', null)
      clock.advance(MINUTE)
      t.equal((await user.script(url('/users'))).json().status, 200, 'the next attempt works')
      t.equal(await stage.me(user), AGENT.id)
    },
    {
      emulator: { behaviour: { rotateRefreshToken: false } },
      options: { httpTimeout: SHORT_DEADLINE }
    }
  )
}

refreshAttack(
  'RF5',
  'a dead refresh token ends the login, and is not sent again',
  'RFC 6749 §5.2',
  async (t, { user, url, sentinel, endAccessToken, endPause, calls, me, store }) => {
    sentinel.always('refresh', { status: 400, body: '{"error":"invalid_grant"}' })
    endAccessToken()
    const responses = await many(10, () => user.script(url('/me')))
    t.same(
      responses.map(response => `${response.status} ${errorCode(response)}`),
      Array(10).fill('401 LE_AUTH_LOGIN_REQUIRED')
    )
    for (let i = 0; i < 3; i += 1) {
      endPause()
      t.equal(await me(user), null)
      t.equal((await user.step(url('/page/there'))).location, '/login?returnTo=%2Fpage%2Fthere')
    }
    t.equal(calls('refresh'), 1)
    t.same(store.tokenSets, [])
  }
)

refreshAttack(
  'RF5',
  'a dead refresh token ends the login even while the access token lives',
  'RFC 6749 §5.2',
  async (t, { user, url, sentinel, clock, calls, events, me, store }) => {
    sentinel.always('refresh', { status: 400, body: '{"error":"invalid_grant"}' })
    clock.advance(31 * MINUTE)
    t.equal(
      (await user.script(url('/me'))).status,
      200,
      'the request does not wait for the refresh'
    )
    await until(() => events().some(({ event }) => event === 'login_ended'))
    t.equal(await me(user), null)
    t.equal(calls('refresh'), 1)
    t.same(store.tokenSets, [])
  }
)
