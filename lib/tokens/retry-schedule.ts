import type { RefreshState } from '../logins/login.ts'
import type { RefreshError } from '../sentinel/refresh-error.ts'

/** docs/protocol.md §8: three times, after 5, 10 and 15 s, then minutes apart. In ms. */
const PAUSES = [5_000, 10_000, 15_000, 60_000, 120_000, 300_000]
const LONGEST_PAUSE = 300_000
/** Spreads the attempts for logins that failed at the same time: each is up to a fifth later. */
const JITTER = 0.2

/** Notes a failed attempt: when the next one may begin, and what is known of the refresh token. */
export function noteFailure(
  state: RefreshState,
  { failure, retryAfter }: RefreshError,
  now: number
): void {
  const pause = retryAfter ?? spread(PAUSES[state.failures] ?? LONGEST_PAUSE)
  state.nextAttemptAt = now + pause
  state.failures += 1
  state.responseLost ||= failure === 'lost'
  state.refused ||= failure === 'refused'
}

/** Notes that there are new tokens. */
export function noteSuccess(state: RefreshState): void {
  state.failures = 0
  state.nextAttemptAt = 0
  state.responseLost = false
  state.refused = false
  state.unsaved = null
}

function spread(pause: number): number {
  return Math.floor(pause * (1 + Math.random() * JITTER))
}
