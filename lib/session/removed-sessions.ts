import { LRUCache } from 'lru-cache'
import { removeRecord, type RecordStore } from '../tokens/record-store.js'

/** Many more than there are requests under way: at some hundred bytes each this is about a MB. */
const MAX_REMEMBERED = 10_000

/** Sessions that this process has removed: should a request that was under way save one again, here it stays gone. */
export interface RemovedSessions {
  has: (sessionId: string) => boolean
  /** What to wait for where a session is just being removed, which may fail; `null` where it is not. */
  removal: (sessionId: string) => Promise<unknown> | null
  /** @throws LE_AUTH_STORE_UNAVAILABLE */
  remove: (store: RecordStore, sessionId: string) => Promise<void>
}

export function createRemovedSessions (): RemovedSessions {
  const removed = new LRUCache<string, true>({ max: MAX_REMEMBERED })
  const underWay = new Map<string, Promise<unknown>>()
  return {
    has: sessionId => removed.has(sessionId),
    removal: sessionId => underWay.get(sessionId) ?? null,
    async remove (store, sessionId) {
      const removal = removeRecord(store, sessionId).then(() => { removed.set(sessionId, true) })
      const all = Promise.allSettled([underWay.get(sessionId), removal])
      underWay.set(sessionId, all)
      all.then(() => { if (underWay.get(sessionId) === all) underWay.delete(sessionId) })
      await removal
    }
  }
}
