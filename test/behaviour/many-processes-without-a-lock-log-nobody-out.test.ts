import t from 'tap'
import { MINUTE } from '../support/clock.ts'
import { AGENT, logIn } from '../support/login.ts'
import { startFleet } from '../support/processes/fleet.ts'
import { startRedis } from '../support/redis.ts'

const PROCESSES = 4

t.test('Four processes without a lock log nobody out.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const fleet = await startFleet(t, {
    size: PROCESSES,
    redisUrl: redis.url,
    emulator: { behaviour: { reuseKillsFamily: false } }
  })
  // All processes send their refresh before the first one gets its response.
  fleet.sentinel.always('refresh', { delayMs: 200 })

  for (const oldRefreshTokenDies of [true, false]) {
    await t.test(
      'Four processes without a lock log nobody out if a used refresh token ' +
        `${oldRefreshTokenDies ? 'is dead' : 'still works'}.`,
      async t => {
        fleet.sentinel.behaviour.oldRefreshTokenDies = oldRefreshTokenDies
        const browser = fleet.browser()
        await logIn(fleet, browser)
        let most = 0
        for (let round = 1; round <= 3; round += 1) {
          const before = fleet.calls('refresh')
          await fleet.advance(61 * MINUTE)
          const responses = await Promise.all(
            Array.from({ length: 200 }, () => browser.script(fleet.url('/users')))
          )
          t.same(
            responses.filter(
              ({ status, text }) => status !== 200 || JSON.parse(text).status !== 200
            ),
            []
          )
          const calls = fleet.calls('refresh') - before
          t.ok(calls <= PROCESSES, `${calls} refreshes`)
          most = Math.max(most, calls)
        }
        t.ok(most > 1, 'some refreshes did overlap')
        t.equal((await browser.script(fleet.url('/me'))).json().id, AGENT.id)
        t.notMatch(fleet.output(), 'login_ended')
      }
    )
  }
})
