import t from 'tap'
import { AGENT } from '../support/app.js'
import { MINUTE } from '../support/clock.js'
import { startFleet } from '../support/fleet.js'
import { startRedis } from '../support/redis.js'

const PROCESSES = 4

t.test('four processes without a lock', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const fleet = await startFleet(t, { size: PROCESSES, redisUrl: redis.url, emulator: { behaviour: { reuseKillsFamily: false } } })
  // All of them have asked before the first one has its answer.
  fleet.sentinel.always('refresh', { delayMs: 200 })

  for (const oldRefreshTokenDies of [true, false]) {
    await t.test(`log nobody out where a used refresh token ${oldRefreshTokenDies ? 'is dead' : 'still works'}`, async t => {
      fleet.sentinel.behaviour.oldRefreshTokenDies = oldRefreshTokenDies
      const browser = fleet.browser()
      await fleet.logIn(browser)
      let most = 0
      for (let round = 1; round <= 3; round += 1) {
        const before = fleet.calls('refresh')
        await fleet.advance(61 * MINUTE)
        const answers = await Promise.all(Array.from({ length: 200 }, () => browser.script(fleet.url('/users'))))
        t.same(answers.filter(({ status, text }) => status !== 200 || JSON.parse(text).status !== 200), [])
        const calls = fleet.calls('refresh') - before
        t.ok(calls <= PROCESSES, `${calls} refreshes`)
        most = Math.max(most, calls)
      }
      t.ok(most > 1, 'and they did meet')
      t.equal((await browser.script(fleet.url('/me'))).json().id, AGENT.id)
      t.notMatch(fleet.output(), 'session_ended')
    })
  }
})
