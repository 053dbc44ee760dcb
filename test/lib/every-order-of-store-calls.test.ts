import t from 'tap'
import { everyOrder } from '../support/every-order.js'
import { type Cast, HeldWorld, type Setting } from '../support/every-order-world.js'

/**
 * The plugin's modules, a store and Sentinel whose calls are held, and all orders in which these can be released. What must
 * hold in each of them is in `HeldWorld.problems`: nobody is believed after a logout has been answered, nothing is left of a
 * login that has ended, the newest token is revoked if that was asked for, and a login that nobody has ended goes on.
 */

/** More is an error: an order that nobody has looked at proves nothing. */
const MAX_STATES = 15_000

/** Follows every order of the actors' calls; the shortest that ends badly is shown. */
function inEveryOrder (title: string, setting: Setting, cast: Cast): void {
  t.test(title, async t => {
    const world = new HeldWorld(setting, cast)
    const { states, schedules, ends, failure, isIncomplete } = await everyOrder(() => world.restart(), MAX_STATES)
    t.comment(`${states} states, ${schedules} schedules, ${ends} ends`)
    t.ok(ends > 1, 'there was more than one end')
    t.notOk(isIncomplete, 'all states were looked at')
    t.same(failure, null)
  })
}

for (const [logout, revoke] of [['a plain logout', false], ['a revoking logout', true]] as const) {
  const touched: Setting['touched'] = revoke ? ['revoke'] : []

  for (const effect of ['when released', 'at once'] as const) {
    inEveryOrder(`a refresh, ${logout} and a request in one process; calls take effect ${effect}`, { effect, touched }, async world => {
      await world.refresh('A')
      await world.logout('A', revoke)
      world.visit('A')
    })

    inEveryOrder(`a refresh and a request in one process, ${logout} in another; calls take effect ${effect}`, { effect, touched }, async world => {
      await world.refresh('A')
      await world.logout('B', revoke)
      world.visit('A')
    })
  }

  inEveryOrder(`a refresh and ${logout} in one process, requests in one that has not heard of the login`, { touched, coldB: true }, async world => {
    await world.refresh('A')
    await world.logout('A', revoke)
    world.visit('B')
  })

  inEveryOrder(`two refreshes in two processes without a lock, and ${logout}`, { touched, coldB: true }, async world => {
    await world.refresh('A')
    world.visitAndRefresh('B')
    await world.logout('A', revoke)
  })

  inEveryOrder(`two refreshes in two processes with a lock, and ${logout}`, { touched, coldB: true, lock: true }, async world => {
    await world.refresh('A')
    world.visitAndRefresh('B')
    await world.logout('A', revoke)
  })
}

for (const lock of [false, true]) {
  inEveryOrder(`two refreshes in two processes ${lock ? 'with' : 'without'} a lock, a plain logout and a request`, { lock }, async world => {
    await world.refresh('A')
    await world.refresh('B')
    await world.logout('A', false)
    world.visit('B')
  })
}

for (const process of ['A', 'B']) {
  inEveryOrder(`a new login in ${process}, beside a refresh of the old one in A, and requests with both`, {}, async world => {
    await world.refresh('A')
    const newLogin = await world.logInAgain(process)
    world.visit('A')
    world.visit('A', 'new', newLogin)
  })
}

inEveryOrder('a new login whose store takes effect at once and answers later', { effect: 'at once' }, async world => {
  await world.refresh('A')
  const newLogin = await world.logInAgain('A')
  world.visit('A')
  world.visit('A', 'new', newLogin)
})

inEveryOrder('requests that write activity, one after the other, and a logout in another process', { touched: ['active'] }, async world => {
  world.visit('A', 'old', world.visit('A'))
  world.visit('B')
  await world.logout('B', false)
})

for (const lock of [false, true]) {
  inEveryOrder(`two refreshes in two processes ${lock ? 'with' : 'without'} a lock, a request, and no logout`, { lock, hurries: 2 }, async world => {
    await world.refresh('A')
    await world.refresh('B')
    world.visit('B')
  })

  inEveryOrder(`a refresh ${lock ? 'with' : 'without'} a lock, and one of what is found later by a new process`, { lock, hurries: 2, coldB: true }, async world => {
    await world.refresh('A')
    world.visitAndRefresh('B')
    world.visit('A')
  })
}
