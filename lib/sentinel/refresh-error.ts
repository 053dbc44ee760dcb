/**
 * What a failed refresh means for the refresh token:
 *
 * - `dead`: Sentinel said `invalid_grant`
 * - `refused`: Sentinel refused in other words, which may mean the same (PROTOCOL.md §3)
 * - `lost`: the request may have arrived, and no answer that could be used came back; the refresh token may have been replaced
 * - `unavailable`: nothing is known to have happened, and the next try may work
 */
export type RefreshFailure = 'dead' | 'refused' | 'lost' | 'unavailable'

/** A refresh that brought no tokens. */
export class RefreshError extends Error {
  readonly failure: RefreshFailure
  /** A word of a closed list, for the log. */
  readonly reason: string
  /** How long to wait before the next try, in ms, where Sentinel asked (RFC 9110 §10.2.3) or the token's life decides; else `null`. */
  readonly retryAfter: number | null

  constructor (failure: RefreshFailure, reason: string, retryAfter: number | null = null) {
    super(`refresh failed: ${reason}`)
    this.name = 'RefreshError'
    this.failure = failure
    this.reason = reason
    this.retryAfter = retryAfter
  }

  /** Whether Sentinel has refused the refresh token, in whatever words. */
  get isRefusal (): boolean {
    return this.failure === 'dead' || this.failure === 'refused'
  }
}
