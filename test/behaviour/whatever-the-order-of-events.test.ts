/*
 * Random worlds: a few people log in, ask and log out at two instances of an app, in a slow and uneven network. A failure
 * prints its seed, its path and its scenes; `WORLD_SEED=… WORLD_PATH=…` begins with that world, and `WORLDS=…` sets how many
 * there are. The network is a real one, so that a world may have to be tried a few times to fail again.
 */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { RefreshLock } from '../../lib/index.js'
import { Clock } from '../support/clock.js'
import { FairLock } from '../support/fair-lock.js'
import { World } from '../support/world.js'
import { WatchedSentinel } from '../support/world-sentinel.js'
import { plan } from '../support/world-scenes.js'

const { WORLD_SEED, WORLD_PATH, WORLDS = '15' } = process.env
/** How many smaller worlds are tried to see what a failing one fails of. */
const SMALLER = 30

// Most of a world is waiting, so that two of them have time together.
t.jobs = 2

t.test('whatever the order of events, with a lock everybody stays who they are, for as long as they want', async t => {
  await holdsInManyWorlds(t, () => new FairLock())
})

t.test('and without a lock, where Sentinel forgives a second use', async t => {
  await holdsInManyWorlds(t, () => undefined)
})

async function holdsInManyWorlds (t: Test, lock: () => RefreshLock | undefined): Promise<void> {
  const clock = new Clock()
  let ticks = 0
  const tick = (): number => { ticks += 1; return ticks }
  const sentinel = new WatchedSentinel(clock.now, tick)
  await sentinel.start(t)
  sentinel.emulator.behaviour.reuseKillsFamily = lock() !== undefined
  const stray: unknown[] = []
  const onStray = (error: unknown): void => { stray.push(error) }
  process.on('unhandledRejection', onStray)
  t.teardown(() => process.off('unhandledRejection', onStray))

  let worlds = 0
  let most = Infinity
  let acts = 0
  const property = fc.asyncProperty(plan, async plan => {
    if (worlds >= most) return
    worlds += 1
    acts += plan.scenes.flatMap(({ acts }) => acts).length
    try {
      await new World({ t, clock, tick, sentinel }, plan, lock()).live()
      if (stray.length > 0) throw new Error(`(f) an unhandled rejection: ${stray.splice(0).join(', ')}`)
    } catch (error) {
      most = Math.min(most, worlds + SMALLER)
      throw error
    }
  })
  const details = await fc.check(property, {
    numRuns: Number(WORLDS),
    // Small worlds are not more telling than large ones.
    unbiased: true,
    ...(WORLD_SEED !== undefined && { seed: Number(WORLD_SEED) }),
    ...(WORLD_PATH !== undefined && { path: WORLD_PATH })
  })
  t.comment(`${worlds} worlds, ${acts} acts, ${sentinel.refreshes} refreshes`)
  if (details.failed) t.fail(`WORLD_SEED=${details.seed} WORLD_PATH=${details.counterexamplePath}`, { violations: String(details.errorInstance).split('\n'), plan: JSON.stringify(details.counterexample) })
  else t.equal(worlds, details.numRuns, 'nothing was wrong in any world')
}
