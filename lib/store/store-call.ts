import type { Clock } from '../clock.js'
import { leAuthError, LeAuthError } from '../errors.js'

/** How long a store may take for one call, in ms: long for a database, and no longer than a person waits. */
export const STORE_DEADLINE = 5000

type Callback<Value> = (error?: unknown, value?: Value) => void

/**
 * Makes one call of a store and calls back once, whether the store fails through its callback, by throwing or by saying nothing
 * at all. What it says after its deadline is too late: the request has been answered.
 */
export function storeCall<Value> (clock: Clock, call: (done: Callback<Value>) => unknown, done: (error: LeAuthError | null, value?: Value) => void): void {
  let outcome: Parameters<typeof done> | undefined
  let hasReturned = false
  let cancel = (): void => {}
  const settle: Callback<Value> = (error, value) => {
    if (outcome !== undefined) return
    outcome = [error ? storeUnavailable(error) : null, value]
    cancel()
    if (hasReturned) done(...outcome)
  }
  try {
    call(settle)
  } catch (error) {
    settle(error)
  }
  hasReturned = true
  // Here and not within the call: what goes wrong from now on is no fault of the store.
  if (outcome !== undefined) done(...outcome)
  else cancel = clock.after(STORE_DEADLINE, () => settle({ code: 'timeout' }))
}

/** The same as a promise. @throws LE_AUTH_STORE_UNAVAILABLE */
export function settledStoreCall (clock: Clock, call: (done: Callback<never>) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    storeCall(clock, call, error => error === null ? resolve() : reject(error))
  })
}

/** What is not there is no error to a caller that reads or destroys it: some stores report ENOENT, as express-session allows. */
export function ignoringAbsence<Value> (done: Callback<Value>): Callback<Value> {
  return (error, value) => done((error as { code?: unknown } | null | undefined)?.code === 'ENOENT' ? undefined : error, value)
}

/** A store's own message may hold its address and password, so only its code goes on, or the name of its class. */
function storeUnavailable (error: unknown): LeAuthError {
  if (error instanceof LeAuthError) return error
  const { code, constructor } = error as { code?: unknown, constructor?: { name: string } }
  return leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: typeof code === 'string' ? code : constructor?.name })
}
