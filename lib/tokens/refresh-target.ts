import type { RecordStore } from './record-store.js'
import type { TokenSetRecord } from './token-set-store.js'

/** Which token set is to be refreshed, and where it is. */
export interface RefreshTarget {
  store: RecordStore
  accountId: string
  /** Whose tokens they are: a refresh never changes that. */
  userId: string
  tokenSetId: string
  /** The record that the request went by; where the store has a newer one, that is the answer. */
  usedRecord: TokenSetRecord
  log: RefreshLog
}

/** Where a refresh tells the operator what it did; of a request's log this much is needed. */
export interface RefreshLog {
  info: (facts: object, message: string) => void
  warn: (facts: object, message: string) => void
}

/** Whom a refresh is about, for an event or the log. */
export function userOf ({ accountId, userId }: RefreshTarget): { accountId: string, userId: string } {
  return { accountId, userId }
}
