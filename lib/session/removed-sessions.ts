import { LRUCache } from 'lru-cache'
import { removeRecord, type RecordStore } from '../tokens/record-store.js'

/** Many more than there are requests under way: at some hundred bytes each this is about a MB. */
const MAX_REMEMBERED = 10_000

/** Sessions that this process has removed: should a request that was under way save one again, here it stays gone. */
export interface RemovedSessions {
  has: (sessionId: string) => boolean
  /** @throws LE_AUTH_STORE_UNAVAILABLE */
  remove: (store: RecordStore, sessionId: string) => Promise<void>
}

export function createRemovedSessions (): RemovedSessions {
  const sessions = new LRUCache<string, 'being removed' | 'removed'>({ max: MAX_REMEMBERED })
  return {
    has: sessionId => sessions.has(sessionId),
    async remove (store, sessionId) {
      // Before the store is asked: meanwhile others may want to save it.
      if (!sessions.has(sessionId)) sessions.set(sessionId, 'being removed')
      try {
        await removeRecord(store, sessionId)
        sessions.set(sessionId, 'removed')
      } catch (error) {
        // It may still be there and be used, unless somebody else has removed it.
        if (sessions.get(sessionId) === 'being removed') sessions.delete(sessionId)
        throw error
      }
    }
  }
}
