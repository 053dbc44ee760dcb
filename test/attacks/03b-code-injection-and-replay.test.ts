import { RedisStore } from 'connect-redis'
import t, { type Test } from 'tap'
import type { LeAuthOptions, Lock } from '../../lib/index.ts'
import { redisLock } from '../../lib/store/redis-lock.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import type { PageResponse, Browser } from '../support/browser.ts'
import { errorCode, userIn } from '../support/checks.ts'
import { cookieHeader } from '../support/cookies.ts'
import { FairLock } from '../support/fair-lock.ts'
import { AGENT, upToCallback } from '../support/login.ts'
import { startFleet } from '../support/processes/fleet.ts'
import { everything, startRedis } from '../support/redis.ts'
import type { StoreTrouble } from '../support/stores.ts'
import { twoApps, type TwoApps } from '../support/two-apps.ts'

// CI3: a read followed by a delete is a race (CVE-2026-53518). One callback comes ten times.

/** Opens one callback in all of these browsers at once. */
function atOnce(browsers: Browser[], callback: string): Promise<PageResponse[]> {
  return Promise.all(browsers.map(browser => browser.step(callback)))
}

async function copies(count: number, copy: () => Promise<Browser>): Promise<Browser[]> {
  return Promise.all(Array.from({ length: count }, copy))
}

/** Counts the outcomes, such as `{ 303: 1, used: 9 }`: a late callback finds a finished login. */
function tally(responses: Array<Pick<PageResponse, 'status' | 'text'>>): Record<string, number> {
  const ends: Record<string, number> = {}
  for (const response of responses) {
    const code = errorCode(response) ?? String(response.status)
    const end = code.replace(/^LE_AUTH_CALLBACK_INVALID( \((state_used|login_ended)\))?$/, 'used')
    ends[end] = (ends[end] ?? 0) + 1
  }
  return ends
}

/** Every callback checks for a used state before any of them has written one. */
const checkBeforeWriting = ({ kind }: { kind: string }): StoreTrouble | undefined =>
  kind === 'used state' ? { delayMs: 100 } : undefined

attack(
  'CI3',
  'ten callbacks at once create one login in a shared store',
  'CVE-2026-53518',
  async (t, stage) => {
    stage.store.trouble = checkBeforeWriting
    stage.sentinel.next('token', { delayMs: 100 })
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser)
    const browsers = await copies(10, () => browser.copy())
    t.same(tally(await atOnce(browsers, callback)), { 303: 1, used: 9 })
    t.equal(stage.exchanges(), 1)
    t.equal(stage.store.logins.length, 1)
    t.equal(stage.store.tokenSets.length, 1)
    const users = await Promise.all(browsers.map(browser => stage.me(browser)))
    t.same(
      users.filter(user => user !== null),
      [AGENT.id]
    )
  }
)

attack(
  'CI3',
  'ten callbacks at once create one login in the memory store',
  'CVE-2026-53518',
  async t => {
    const app = await startApp(t)
    for (let round = 1; round <= 20; round += 1) {
      const browser = app.browser()
      const { pathname, search } = new URL(await upToCallback(app, browser))
      const headers = { host: 'localhost:3000', cookie: await cookieHeader(app, browser) }
      // Without sockets all of them check the state before one has used it.
      const responses = await Promise.all(
        Array.from({ length: 10 }, () => app.app.inject({ url: pathname + search, headers }))
      )
      t.same(tally(responses.map(({ statusCode: status, payload: text }) => ({ status, text }))), {
        303: 1,
        used: 9
      })
      t.equal(app.calls('token'), round)
      const sessions = responses
        .flatMap(({ cookies }) => cookies)
        .filter(({ name, value }) => name === 'le-auth' && value !== '')
      t.equal(sessions.length, 1, 'one login cookie')
    }
  }
)

attack(
  'CI3',
  'two processes without a lock may both exchange the code, each once, and ' +
    'create at most one login',
  'CVE-2026-53518',
  async t => {
    for (const behaviour of [{}, { usedCodeError: 'invalid_client' as const }]) {
      const apps = await twoApps(t, { behaviour })
      apps.store.trouble = checkBeforeWriting
      const { responses } = await tenInTwo(apps)
      t.ok((tally(responses)['303'] ?? 0) <= 1, 'at most one success')
      t.ok(apps.store.logins.length <= 1)
      t.equal(apps.store.tokenSets.length, apps.store.logins.length, 'no tokens without a login')
      for (const app of [apps.one, apps.other]) {
        const exchanges = app
          .events()
          .filter(
            ({ code, event }) =>
              event === 'login' ||
              code === 'LE_AUTH_CALLBACK_INVALID (code_rejected)' ||
              code === 'LE_AUTH_CLIENT_REJECTED'
          )
        t.ok(exchanges.length <= 1, `${exchanges.length} exchanges`)
      }
      t.ok(apps.one.calls('token') <= 2)
    }
  }
)

attack(
  'CI3',
  'two processes with a lock make one login and one exchange',
  'CVE-2026-53518',
  async t => {
    const apps = await twoApps(t, {}, { lock: new FairLock() })
    apps.store.trouble = checkBeforeWriting
    const { responses, browsers } = await tenInTwo(apps)
    await isOneLogin(t, apps, responses, browsers)
    t.same([apps.store.logins.length, apps.store.tokenSets.length], [1, 1])
  }
)

attack(
  'CI3',
  'a lock that cannot be acquired uses no state, and its error reveals nothing',
  'CVE-2026-53518',
  async (t, stage) => {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser)
    const refused = await browser.step(callback)
    t.equal(`${refused.status} ${errorCode(refused)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
    t.notMatch(refused.text + stage.logLines.join(''), 'lock-password')
    t.same([stage.exchanges(), stage.store.records.size, await stage.me(browser)], [0, 0, null])
    t.equal(
      (await browser.step(callback)).status,
      303,
      'once the lock works again, the login goes on'
    )
    t.same([stage.exchanges(), stage.store.logins.length], [1, 1])
  },
  { options: { lock: unreachableAtFirst() } }
)

/** A lock whose server cannot be reached at the first call. */
function unreachableAtFirst(): Lock {
  const lock = new FairLock()
  let calls = 0
  return {
    async acquire(id) {
      calls += 1
      if (calls === 1) {
        throw new Error('connect ECONNREFUSED redis://app:lock-password@redis.internal:6379')
      }
      return lock.acquire(id)
    }
  }
}

t.test(
  'CI3 two apps on Redis with its lock make one login and one exchange [CVE-2026-53518]',
  async t => {
    const redis = await startRedis(t)
    if (redis === null) return
    const client = await redis.client()
    const options: LeAuthOptions = { store: new RedisStore({ client }), lock: redisLock(client) }
    const apps = await twoApps(t, {}, options)
    const { responses, browsers } = await tenInTwo(apps)
    await isOneLogin(t, apps, responses, browsers)
    const keys = [...(await everything(client)).keys()]
    t.equal(keys.filter(key => key.includes('le-auth:tokens:')).length, 1)
  }
)

t.test(
  'CI3 two processes on Redis with its lock make one login and one exchange [CVE-2026-53518]',
  async t => {
    const redis = await startRedis(t)
    if (redis === null) return
    const fleet = await startFleet(t, { size: 2, redisUrl: redis.url, lock: {} })
    for (let round = 1; round <= 5; round += 1) {
      const browser = fleet.browser()
      const callback = await upToCallback(fleet, browser)
      fleet.sentinel.next('token', { delayMs: 200 })
      const browsers = (
        await Promise.all([0, 1].map(index => copies(5, () => fleet.at(browser, index))))
      ).flat()
      const responses = await atOnce(browsers, callback)
      t.same(responses.map(({ status }) => status).sort(), [303, ...Array(9).fill(400)])
      t.equal(fleet.calls('token'), round)
    }
  }
)

/** Five callbacks in each of two apps, all at once. */
async function tenInTwo({
  one,
  sentinel,
  toOther
}: TwoApps): Promise<{ responses: PageResponse[]; browsers: Browser[] }> {
  const browser = one.browser()
  const callback = await upToCallback(one, browser)
  const browsers = [
    ...(await copies(5, () => browser.copy())),
    ...(await copies(5, () => toOther(browser)))
  ]
  sentinel.always('token', { delayMs: 200 })
  return { responses: await atOnce(browsers, callback), browsers }
}

async function isOneLogin(
  t: Test,
  { one }: TwoApps,
  responses: PageResponse[],
  browsers: Browser[]
): Promise<void> {
  t.same(tally(responses), { 303: 1, used: 9 })
  t.equal(one.calls('token'), 1)
  t.equal(await usersOf(one, browsers), 1)
}

/** In how many of these browsers a user is logged in. */
async function usersOf(app: TestApp, browsers: Browser[]): Promise<number> {
  const responses = await Promise.all(browsers.map(browser => browser.script(app.url('/me'))))
  return responses.filter(response => userIn(response) !== null).length
}
