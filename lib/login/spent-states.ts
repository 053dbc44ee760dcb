import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { findRecord, writeRecord, type RecordStore, type StoredRecord } from '../tokens/record-store.js'

/** A spent state is remembered as long as its transaction's cookie could still be presented, in ms. */
const REMEMBERED_FOR = 60 * 60 * 1000
/** Some MB at the most; more logins than that within the hour rely on the session store alone. */
const MAX_REMEMBERED = 10_000

/** What is known of a state that a callback has presented before. */
export interface SpentState {
  /** Where that login was to end. */
  returnPath: string
  /** Whether it ended in a session. */
  finished: boolean
}

/**
 * States work once (RFC 6749 §10.12). In one process that is certain; the session store tells the other
 * processes, and Sentinel's own rule, that a code works once, closes the moment in between.
 */
export interface SpentStates {
  /** What is known of a state, or `null` where no callback has presented it. @throws LE_AUTH_STORE_UNAVAILABLE */
  find: (store: RecordStore, state: string) => Promise<SpentState | null>
  /** Spends a state; false where somebody else was quicker. @throws LE_AUTH_STORE_UNAVAILABLE */
  spend: (store: RecordStore, state: string, returnPath: string) => Promise<boolean>
  /** Notes that the login of a spent state succeeded. @throws LE_AUTH_STORE_UNAVAILABLE */
  finish: (store: RecordStore, state: string, returnPath: string) => Promise<void>
}

/**
 * @param sharedStore whether the session store is more than this process's memory; in that one, records of visitors
 * would push out the sessions of users
 */
export function createSpentStates (now: () => number, sharedStore: boolean): SpentStates {
  const remembered = new LRUCache<string, SpentState>({ max: MAX_REMEMBERED, ttl: REMEMBERED_FOR, perf: { now } })

  async function remember (store: RecordStore, state: string, spent: SpentState): Promise<void> {
    remembered.set(state, spent)
    if (!sharedStore) return
    await writeRecord(store, recordId(state), { leAuthSpentState: spent }, now() + REMEMBERED_FOR, now())
  }

  return {
    async find (store, state) {
      const spent = remembered.get(state) ?? null
      return spent === null && sharedStore ? spentStateIn(await findRecord(store, recordId(state))) : spent
    },
    async spend (store, state, returnPath) {
      if (remembered.has(state)) return false
      await remember(store, state, { returnPath, finished: false })
      return true
    },
    finish: (store, state, returnPath) => remember(store, state, { returnPath, finished: true })
  }
}

/** The store gets a digest, so that no text from a URL becomes a key in it. */
function recordId (state: string): string {
  return `le-auth:state:${createHash('sha256').update(state).digest('base64url')}`
}

function spentStateIn (record: StoredRecord | null): SpentState | null {
  const spent = record?.leAuthSpentState as Partial<SpentState> | null | undefined
  return typeof spent?.returnPath === 'string' ? { returnPath: spent.returnPath, finished: spent.finished === true } : null
}
