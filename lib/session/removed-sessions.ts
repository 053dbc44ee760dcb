import { LRUCache } from 'lru-cache'
import { removeRecord, type RecordStore } from '../tokens/record-store.js'

/** Many more than there are requests under way: at some hundred bytes each this is about a MB. */
const MAX_REMEMBERED = 10_000

/** Sessions that this process has removed: a request that was under way with one of them must not save it again. */
export interface RemovedSessions {
  has: (sessionId: string) => boolean
  /** @throws LE_AUTH_STORE_UNAVAILABLE */
  remove: (store: RecordStore, sessionId: string) => Promise<void>
}

export function createRemovedSessions (): RemovedSessions {
  const removed = new LRUCache<string, true>({ max: MAX_REMEMBERED })
  return {
    has: sessionId => removed.has(sessionId),
    async remove (store, sessionId) {
      // Before the store is asked: meanwhile others may want to save it.
      removed.set(sessionId, true)
      try {
        await removeRecord(store, sessionId)
      } catch (error) {
        // It is still there, and may be used.
        removed.delete(sessionId)
        throw error
      }
    }
  }
}
