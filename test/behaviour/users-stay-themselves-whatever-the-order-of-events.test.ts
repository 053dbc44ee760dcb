/*
 * Random worlds: a few users log in, send requests and log out at two processes of an app, over a
 * slow and uneven network. A failure prints its seed, its path and its scenes.
 * `WORLD_SEED=… WORLD_PATH=…` starts with that world, and `WORLDS=…` sets the number of worlds.
 * The network is real, so a world may need a few tries to fail again.
 */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Lock } from '../../lib/index.ts'
import { Clock } from '../support/clock.ts'
import { FairLock } from '../support/fair-lock.ts'
import { plan } from '../support/world/scenes.ts'
import { WatchedSentinel } from '../support/world/sentinel.ts'
import { World } from '../support/world/world.ts'

const { WORLD_SEED, WORLD_PATH, WORLDS = '15' } = process.env
/** How many smaller worlds are tried to find out why a world fails. */
const SMALLER = 30

// A world mostly waits, so two of them can run at the same time.
t.jobs = 2

t.test(
  'If there is a lock, all users stay logged in as themselves for as long as they want, ' +
    'whatever the order of events.',
  async t => {
    await holdsInManyWorlds(t, () => new FairLock())
  }
)

t.test(
  'If there is no lock and Sentinel forgives a second use, all users stay logged in as ' +
    'themselves for as long as they want.',
  async t => {
    await holdsInManyWorlds(t, () => undefined)
  }
)

async function holdsInManyWorlds(t: Test, lock: () => Lock | undefined): Promise<void> {
  const clock = new Clock()
  let ticks = 0
  const tick = (): number => {
    ticks += 1
    return ticks
  }
  const sentinel = new WatchedSentinel(clock.now, tick)
  await sentinel.start(t)
  sentinel.emulator.behaviour.reuseKillsFamily = lock() !== undefined
  const stray: unknown[] = []
  const onStray = (error: unknown): void => {
    stray.push(error)
  }
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
      if (stray.length > 0) {
        throw new Error(`(f) an unhandled rejection: ${stray.splice(0).join(', ')}`)
      }
    } catch (error) {
      most = Math.min(most, worlds + SMALLER)
      throw error
    }
  })
  const details = await fc.check(property, {
    numRuns: Number(WORLDS),
    // Small worlds do not find more than large ones.
    unbiased: true,
    ...(WORLD_SEED !== undefined && { seed: Number(WORLD_SEED) }),
    ...(WORLD_PATH !== undefined && { path: WORLD_PATH })
  })
  t.comment(`${worlds} worlds, ${acts} acts, ${sentinel.refreshes} refreshes`)
  if (details.failed) {
    t.fail(`WORLD_SEED=${details.seed} WORLD_PATH=${details.counterexamplePath}`, {
      violations: String(details.errorInstance).split('\n'),
      plan: JSON.stringify(details.counterexample)
    })
  } else t.equal(worlds, details.numRuns, 'nothing was wrong in any world')
}
