import type { HttpStatusReason, OAuthErrorReason, RefreshFailureReason } from '../errors.ts'

/**
 * What a failed refresh means for the refresh token:
 *
 * - `dead`: Sentinel said `invalid_grant`
 * - `refused`: Sentinel refused in other words, which may mean the same (docs/protocol.md §3)
 * - `lost`: the request may have arrived, but no usable response came back. The refresh token may
 *   have been replaced
 * - `unavailable`: as far as is known nothing happened, and the next attempt may work
 */
export type RefreshFailure = 'dead' | 'refused' | 'lost' | 'unavailable'

/** How Sentinel refuses a request. */
export type RefusalReason = OAuthErrorReason | HttpStatusReason

/** A refresh that brought no tokens. */
export class RefreshError extends Error {
  readonly failure: RefreshFailure
  /** A word of a closed list, for the log. */
  readonly reason: RefreshFailureReason
  /**
   * How long to wait before the next attempt, in ms, if Sentinel said so (RFC 9110 §10.2.3) or the
   * token's life decides it; else `null`.
   */
  readonly retryAfter: number | null

  constructor(
    failure: RefreshFailure,
    reason: RefreshFailureReason,
    retryAfter: number | null = null
  ) {
    super(`refresh failed: ${reason}`)
    this.name = 'RefreshError'
    this.failure = failure
    this.reason = reason
    this.retryAfter = retryAfter
  }

  /** Whether Sentinel has refused the refresh token, in whatever words. */
  get isRefusal(): boolean {
    return this.failure === 'dead' || this.failure === 'refused'
  }
}
