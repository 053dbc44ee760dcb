import type { Clock } from '../clock.ts'
import { leAuthError, LeAuthError } from '../errors.ts'

/** How long one call of a store may take, in ms: long for a database, short for a person. */
export const STORE_DEADLINE = 5000

type Callback<Value> = (error?: unknown, value?: Value) => void

/**
 * Makes one call of a store and calls back once, even if the store throws, fails through its
 * callback or never calls back. What the store says after the deadline is ignored.
 */
export function storeCall<Value>(
  clock: Clock,
  call: (done: Callback<Value>) => unknown,
  done: (error: LeAuthError | null, value?: Value) => void
): void {
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
  // Outside the try block: an error of `done` is not the store's.
  if (outcome !== undefined) done(...outcome)
  else cancel = clock.after(STORE_DEADLINE, () => settle({ code: 'timeout' }))
}

/** The same as a promise. @throws LE_AUTH_STORE_UNAVAILABLE */
export function storePromise(
  clock: Clock,
  call: (done: Callback<never>) => unknown
): Promise<void> {
  return new Promise((resolve, reject) => {
    storeCall(clock, call, error => (error === null ? resolve() : reject(error)))
  })
}

/**
 * Some stores report a missing session as ENOENT, as express-session allows. It is no error here.
 */
export function ignoringAbsence<Value>(done: Callback<Value>): Callback<Value> {
  return (error, value) => {
    const { code } = (error ?? {}) as { code?: unknown }
    done(code === 'ENOENT' ? undefined : error, value)
  }
}

/** Classes of errors that Redis itself responds with, in the packages `redis` and `ioredis`. */
const REDIS_ERRORS = ['SimpleError', 'BlobError', 'ErrorReply', 'ReplyError']
const FOREIGN_CLIENT =
  'Redis does not understand a command of the session store (ERR syntax error), so the store and ' +
  'its client do not fit. connect-redis 9 and later take a client of the package redis, and none ' +
  'of ioredis.'

/**
 * A store's own message may hold its address and password, so only a code or a class name is kept.
 */
function storeUnavailable(error: unknown): LeAuthError {
  if (error instanceof LeAuthError) return error
  const { code, constructor, message } = error as Partial<Error> & { code?: unknown }
  const reason = typeof code === 'string' ? code : String(constructor?.name)
  if (!REDIS_ERRORS.includes(reason)) return leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason })
  // Redis begins its messages with a code, such as NOAUTH, READONLY or MOVED.
  return leAuthError('LE_AUTH_STORE_UNAVAILABLE', {
    reason: /^[A-Z]+(?= )/.exec(String(message))?.[0] ?? reason,
    ...(message === 'ERR syntax error' && { hint: FOREIGN_CLIENT })
  })
}
