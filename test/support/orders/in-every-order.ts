import t from 'tap'
import { everyOrder } from './explore.ts'
import { type Cast, TwoProcesses, type Setting } from './two-processes.ts'

/** More states are an error: an order that was not explored proves nothing. */
const MAX_STATES = 15_000

/**
 * Tests a scenario in every order: the calls of the plugin's modules to the store and to Sentinel
 * are held, and released in all possible orders. `TwoProcesses.problems` says what must hold at
 * each end: a login is refused after its logout was confirmed, nothing is left of a login that has
 * ended, the newest token is revoked if that was requested, and a login that was not ended goes on.
 * A failure shows the shortest order that ends with problems.
 */
export function inEveryOrder(title: string, setting: Setting, cast: Cast): void {
  t.test(title, async t => {
    const processes = new TwoProcesses(setting, cast)
    const explored = await everyOrder(() => processes.restart(), MAX_STATES)
    const { states, schedules, ends, failure, isIncomplete } = explored
    t.comment(`${states} states, ${schedules} schedules, ${ends} ends`)
    t.ok(ends > 1, 'there was more than one end')
    t.notOk(isIncomplete, 'all states were explored')
    t.same(failure, null)
  })
}

/** Both kinds of logout, and the other records that they write. */
export const LOGOUTS: Array<{
  logout: string
  revoke: boolean
  touched: NonNullable<Setting['touched']>
}> = [
  { logout: 'a plain logout', revoke: false, touched: [] },
  { logout: 'a revoking logout', revoke: true, touched: ['revoke'] }
]
