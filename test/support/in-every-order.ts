import t from 'tap'
import { everyOrder } from './every-order.js'
import { type Cast, HeldWorld, type Setting } from './every-order-world.js'

/** More is an error: an order that nobody has looked at proves nothing. */
const MAX_STATES = 15_000

/**
 * The plugin's modules, a store and Sentinel whose calls are held, and all orders in which these can be released. What must
 * hold in each of them is in `HeldWorld.problems`: nobody is believed after a logout has been answered, nothing is left of a
 * login that has ended, the newest token is revoked if that was asked for, and a login that nobody has ended goes on.
 * Of the orders that end badly the shortest is shown.
 */
export function inEveryOrder (title: string, setting: Setting, cast: Cast): void {
  t.test(title, async t => {
    const world = new HeldWorld(setting, cast)
    const { states, schedules, ends, failure, isIncomplete } = await everyOrder(() => world.restart(), MAX_STATES)
    t.comment(`${states} states, ${schedules} schedules, ${ends} ends`)
    t.ok(ends > 1, 'there was more than one end')
    t.notOk(isIncomplete, 'all states were looked at')
    t.same(failure, null)
  })
}

/** Both kinds of logout, and the records that nothing may be left of besides. */
export const LOGOUTS: Array<{ logout: string, revoke: boolean, touched: NonNullable<Setting['touched']> }> = [
  { logout: 'a plain logout', revoke: false, touched: [] },
  { logout: 'a revoking logout', revoke: true, touched: ['revoke'] }
]
