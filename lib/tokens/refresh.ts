import type { Clock } from '../clock.js'
import { publish } from '../diagnostics.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { Login } from '../logins/login.js'
import { RefreshError } from '../sentinel/refresh-error.js'
import { holding, type RefreshLock } from '../store/refresh-lock.js'
import { whoseOf, type RefreshLog } from './refresh-log.js'
import type { Renewal, Wanted } from './renewal.js'
import { noteFailure, noteSuccess } from './retry.js'

/** What an operator has to know of some ends, by their reason. */
const MESSAGES: Record<string, string> = {
  answer_lost: 'login has ended: the answer to its last refresh was lost, and the refresh token before that one is dead',
  not_sealed_here: 'login has ended: its tokens were sealed with a secret that is not among these, or were changed'
}
/** These ends are part of everyday life. */
const EXPECTED = ['logged_out', 'invalid_grant']

/** Refreshes the tokens of logins: one refresh of a login at a time, in this process and, with a lock, in all. */
export class Refresh {
  readonly #renewal: Renewal
  readonly #lock: RefreshLock | undefined
  readonly #clock: Clock
  readonly #pending = new Set<Promise<void>>()

  constructor (renewal: Renewal, lock: RefreshLock | undefined, clock: Clock) {
    this.#renewal = renewal
    this.#lock = lock
    this.#clock = clock
  }

  /** Whether a refresh may begin now: none is pending, and it is not too early for another try. */
  mayBegin ({ refreshMemory }: Login): boolean {
    return refreshMemory.pending === null && !this.#isPausing(refreshMemory.nextTryAt)
  }

  /**
   * Gets the tokens that a request wants. Requests that arrive meanwhile wait for the same refresh.
   *
   * @throws LE_AUTH_SESSION_ENDED when the login is over, LE_AUTH_REFRESH_UNAVAILABLE when a later try may work,
   * LE_AUTH_STORE_UNAVAILABLE
   */
  async refresh (login: Login, log: RefreshLog, wanted: Wanted): Promise<void> {
    const { pending } = login.refreshMemory
    if (pending === null) return this.#begin(login, log, wanted)
    publish('fastify-le-auth:refresh:joined', whoseOf(login))
    await pending
    // It may have brought tokens that another process had, and that this request does not want.
    if (login.tokens !== null && !wanted(login.tokens)) await this.refresh(login, log, wanted)
  }

  /** Resolves when all that is pending has ended, well or not. */
  async settled (): Promise<void> {
    // Others may have begun meanwhile.
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  #begin (login: Login, log: RefreshLog, wanted: Wanted): Promise<void> {
    const memory = login.refreshMemory
    const pending = this.#attempt(login, log, wanted).finally(() => {
      memory.pending = null
      this.#pending.delete(pending)
    })
    memory.pending = pending
    this.#pending.add(pending)
    return pending
  }

  async #attempt (login: Login, log: RefreshLog, wanted: Wanted): Promise<void> {
    const memory = login.refreshMemory
    if (this.#isPausing(memory.nextTryAt)) return this.#withoutTry(login, wanted)
    try {
      const unavailable = (): Error => new RefreshError('unavailable', 'lock')
      await holding(this.#lock, `le-auth:tokens:${login.key}`, unavailable, () => this.#renewal.renew(login, log, wanted))
      noteSuccess(memory)
    } catch (error) {
      if (!(error instanceof RefreshError)) throw told(login, log, error as LeAuthError)
      noteFailure(memory, error, this.#clock.now())
      throw told(login, log, leAuthError('LE_AUTH_REFRESH_UNAVAILABLE', { reason: error.reason }))
    }
  }

  /** Another process may have got tokens although this one pauses. */
  async #withoutTry (login: Login, wanted: Wanted): Promise<void> {
    if (!await this.#renewal.adopted(login, wanted)) throw leAuthError('LE_AUTH_REFRESH_UNAVAILABLE', { reason: 'pausing' })
  }

  #isPausing (nextTryAt: number): boolean {
    return this.#clock.now() < nextTryAt
  }
}

/** Tells how a refresh ended without new tokens, once for all who wait for it. */
function told (login: Login, log: RefreshLog, error: LeAuthError): LeAuthError {
  const { code, reason } = error
  const who = whoseOf(login)
  publish('fastify-le-auth:refresh:failed', { ...who, code, reason })
  if (code !== 'LE_AUTH_SESSION_ENDED') {
    log.warn({ leAuth: { event: 'refresh_failed', ...who, code, reason } }, 'tokens could not be refreshed, and will be at a later request')
    return error
  }
  const level = EXPECTED.includes(String(reason)) ? 'info' : 'warn'
  log[level]({ leAuth: { event: 'session_ended', ...who, reason } }, MESSAGES[String(reason)] ?? 'login has ended')
  return error
}
