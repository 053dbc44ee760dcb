import type { RefreshMemory } from '../logins/login.js'
import type { RefreshError } from '../sentinel/refresh-error.js'

/** PROTOCOL.md §8: three times, after 5, 10 and 15 s, then minutes apart. In ms. */
const PAUSES = [5_000, 10_000, 15_000, 60_000, 120_000, 300_000]
const LONGEST_PAUSE = 300_000
/** Tries of many logins that failed together are spread by that much. */
const JITTER = 0.2

/** Notes that a refresh brought no tokens: when the next one may be tried, and what is known of the refresh token. */
export function noteFailure (memory: RefreshMemory, { failure, retryAfter }: RefreshError, now: number): void {
  const pause = retryAfter ?? spread(PAUSES[memory.failures] ?? LONGEST_PAUSE)
  memory.nextTryAt = now + pause
  memory.failures += 1
  memory.answerLost ||= failure === 'lost'
  memory.refused ||= failure === 'refused'
}

/** Notes that there are new tokens. */
export function noteSuccess (memory: RefreshMemory): void {
  Object.assign(memory, { failures: 0, nextTryAt: 0, answerLost: false, refused: false, unsaved: null })
}

function spread (pause: number): number {
  return Math.floor(pause * (1 + Math.random() * JITTER))
}
