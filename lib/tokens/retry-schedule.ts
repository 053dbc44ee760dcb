import { LRUCache } from 'lru-cache'

/** PROTOCOL.md §8: three times, after 5, 10 and 15 s, then minutes apart. In ms. */
const PAUSES = [5_000, 10_000, 15_000, 60_000, 120_000, 300_000]
const LONGEST_PAUSE = 300_000
/** Tries of many sessions that failed together are spread by that much. */
const JITTER = 0.2
const MAX_REMEMBERED = 10_000

interface FailedTries {
  count: number
  /** In ms since 1970. */
  nextTryAt: number
  /** Whether one of these tries may have replaced the refresh token without our hearing of it. */
  answerLost: boolean
}

/** When the next refresh of a token set may be tried, shared by all requests of its session. */
export interface RetrySchedule {
  /** Whether it is too early for another try. */
  isPausing: (tokenSetId: string) => boolean
  answerLost: (tokenSetId: string) => boolean
  /** Notes a failed try. @param pause how long to wait, in ms; else longer from try to try */
  failed: (tokenSetId: string, answerLost: boolean, pause: number | null) => void
  succeeded: (tokenSetId: string) => void
}

export function createRetrySchedule (now: () => number): RetrySchedule {
  const tries = new LRUCache<string, FailedTries>({ max: MAX_REMEMBERED })
  return {
    isPausing: id => now() < (tries.get(id)?.nextTryAt ?? 0),
    answerLost: id => tries.get(id)?.answerLost === true,
    failed (id, answerLost, pause) {
      const before = tries.get(id)
      const count = before?.count ?? 0
      tries.set(id, {
        count: count + 1,
        nextTryAt: now() + (pause ?? spread(PAUSES[count] ?? LONGEST_PAUSE)),
        answerLost: answerLost || before?.answerLost === true
      })
    },
    succeeded: id => { tries.delete(id) }
  }
}

function spread (pause: number): number {
  return Math.floor(pause * (1 + Math.random() * JITTER))
}
