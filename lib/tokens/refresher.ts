import { publish, type EventLog } from '../diagnostics.ts'
import { leAuthError, type LeAuthError } from '../errors.ts'
import { logEnd } from '../logins/ends.ts'
import type { Login } from '../logins/login.ts'
import { RefreshError } from '../sentinel/refresh-error.ts'
import { holding, type Lock } from '../store/lock.ts'
import { Refresh, type Accepts, type RefreshParts } from './refresh.ts'
import { noteFailure, noteSuccess } from './retry-schedule.ts'

/**
 * Refreshes the tokens of logins, in single flight: one refresh of a login at a time in this
 * process and, with a lock, in all processes.
 */
export class Refresher {
  readonly #with: RefreshParts
  readonly #lock: Lock | undefined
  readonly #pending = new Set<Promise<void>>()

  constructor(parts: RefreshParts, lock: Lock | undefined) {
    this.#with = parts
    this.#lock = lock
  }

  /** Whether a refresh may begin now: none is pending, and the last failure is long enough ago. */
  mayBegin(login: Login): boolean {
    return login.refreshState.pending === null && !this.#isBackingOff(login)
  }

  /**
   * Gets acceptable tokens for a request. Requests that arrive meanwhile wait for the same refresh.
   *
   * @throws LE_AUTH_LOGIN_REQUIRED if the login is over
   * @throws LE_AUTH_REFRESH_UNAVAILABLE if a later attempt may work
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async refresh(login: Login, log: EventLog, accepts: Accepts): Promise<void> {
    const { pending } = login.refreshState
    if (pending === null) return this.#begin(login, log, accepts)
    publish('fastify-le-auth:refresh:joined', login.subject)
    await pending
    // It may have taken another process's tokens, which are not acceptable for this request.
    if (login.tokens !== null && !accepts(login.tokens)) await this.refresh(login, log, accepts)
  }

  /** Resolves when no refresh is pending, whatever came of them. */
  async idle(): Promise<void> {
    // Others may begin while these end.
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  #begin(login: Login, log: EventLog, accepts: Accepts): Promise<void> {
    const { refreshState } = login
    const pending = this.#attempt(login, log, accepts).finally(() => {
      refreshState.pending = null
      this.#pending.delete(pending)
    })
    refreshState.pending = pending
    this.#pending.add(pending)
    return pending
  }

  async #attempt(login: Login, log: EventLog, accepts: Accepts): Promise<void> {
    const refresh = new Refresh(this.#with, login, log, accepts)
    if (this.#isBackingOff(login)) return adoptOrFail(refresh)
    const unavailable = (): Error => new RefreshError('unavailable', 'lock')
    try {
      await holding(this.#lock, `le-auth:tokens:${login.key}`, unavailable, () => refresh.run())
      noteSuccess(login.refreshState)
    } catch (error) {
      throw logFailure(log, login, this.#outcomeOf(login, error))
    }
  }

  #outcomeOf(login: Login, error: unknown): LeAuthError {
    if (!(error instanceof RefreshError)) return error as LeAuthError
    noteFailure(login.refreshState, error, this.#with.clock.now())
    return leAuthError('LE_AUTH_REFRESH_UNAVAILABLE', { reason: error.reason })
  }

  #isBackingOff({ refreshState }: Login): boolean {
    return this.#with.clock.now() < refreshState.nextAttemptAt
  }
}

/** While this process backs off, another one may have got tokens. */
async function adoptOrFail(refresh: Refresh): Promise<void> {
  if (await refresh.adoptStored()) return
  throw leAuthError('LE_AUTH_REFRESH_UNAVAILABLE', { reason: 'backing_off' })
}

/** Reports a refresh that brought no tokens, once for all requests that wait for it. */
function logFailure(log: EventLog, login: Login, error: LeAuthError): LeAuthError {
  const { subject } = login
  const { code, reason } = error
  publish('fastify-le-auth:refresh:failed', { ...subject, code, reason })
  if (code === 'LE_AUTH_LOGIN_REQUIRED') {
    logEnd(log, login, reason!)
  } else {
    const facts = { event: 'refresh_failed', ...subject, code, reason }
    log.warn({ leAuth: facts }, 'token refresh failed; will retry on a later request')
  }
  return error
}
