import t from 'tap'
import { MINUTE } from '../support/clock.ts'
import { AGENT, logIn } from '../support/login.ts'
import { startFleet } from '../support/processes/fleet.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

// The emulator's defaults: refresh tokens rotate, and a second use of one ends the login.

t.test('Four processes with a lock in Redis refresh once for 200 requests.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const fleet = await startFleet(t, { size: 4, redisUrl: redis.url, lock: {} })
  const browser = fleet.browser()
  await logIn(fleet, browser)

  await t.test(
    'Four processes refresh once for 200 requests that wait for new tokens, each time.',
    async t => {
      for (let round = 1; round <= 2; round += 1) {
        await fleet.advance(61 * MINUTE)
        const responses = await Promise.all(
          Array.from({ length: 200 }, () => browser.script(fleet.url('/users')))
        )
        t.same(
          responses.filter(({ status, text }) => status !== 200 || JSON.parse(text).status !== 200),
          []
        )
        t.equal(fleet.calls('refresh'), round)
      }
    }
  )

  await t.test(
    'Four processes refresh once for 200 requests that do not wait for the background ' +
      'refresh.',
    async t => {
      const before = fleet.calls('refresh')
      await fleet.advance(31 * MINUTE)
      // Long enough for all requests to arrive meanwhile.
      fleet.sentinel.next('refresh', { delayMs: 300 })
      const responses = await Promise.all(
        Array.from({ length: 200 }, () => browser.script(fleet.url('/me')))
      )
      t.same(
        responses.filter(({ status }) => status !== 200),
        []
      )
      await until(() => fleet.calls('refresh') > before)
      // Processes that wait for the lock check it every 50 ms.
      await new Promise(resolve => setTimeout(resolve, 700))
      t.equal(fleet.calls('refresh'), before + 1)
    }
  )

  await fleet.advance(61 * MINUTE)
  t.equal((await browser.script(fleet.url('/me'))).json().id, AGENT.id, 'nobody is logged out')
  t.notMatch(fleet.output(), 'login_ended')
})
