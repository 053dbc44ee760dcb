import t from 'tap'
import { AGENT } from '../support/app.js'
import { MINUTE } from '../support/clock.js'
import { startFleet } from '../support/fleet.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/shifted.js'

// The emulator's defaults: refresh tokens rotate, and a second use of one ends the login.

t.test('four processes with a lock in Redis refresh once for 200 requests', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const fleet = await startFleet(t, { size: 4, redisUrl: redis.url, lock: {} })
  const browser = fleet.browser()
  await fleet.logIn(browser)

  await t.test('that wait for new tokens, time after time', async t => {
    for (let round = 1; round <= 2; round += 1) {
      await fleet.advance(61 * MINUTE)
      const answers = await Promise.all(Array.from({ length: 200 }, () => browser.script(fleet.url('/users'))))
      t.same(answers.filter(({ status, text }) => status !== 200 || JSON.parse(text).status !== 200), [])
      t.equal(fleet.calls('refresh'), round)
    }
  })

  await t.test('that go on while the refresh runs behind them', async t => {
    const before = fleet.calls('refresh')
    await fleet.advance(31 * MINUTE)
    // Long enough for all of them to come meanwhile.
    fleet.sentinel.next('refresh', { delayMs: 300 })
    const answers = await Promise.all(Array.from({ length: 200 }, () => browser.script(fleet.url('/me'))))
    t.same(answers.filter(({ status }) => status !== 200), [])
    await until(() => fleet.calls('refresh') > before)
    // Those who wait for the lock look every 50 ms.
    await new Promise(resolve => setTimeout(resolve, 700))
    t.equal(fleet.calls('refresh'), before + 1)
  })

  await fleet.advance(61 * MINUTE)
  t.equal((await browser.script(fleet.url('/me'))).json().id, AGENT.id, 'and nobody is logged out')
  t.notMatch(fleet.output(), 'session_ended')
})
