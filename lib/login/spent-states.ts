import { createHash } from 'node:crypto'
import { leAuthError } from '../errors.js'
import { createNotes } from '../tokens/notes.js'
import type { RecordStore } from '../tokens/record-store.js'
import { holding, type RefreshLock } from '../tokens/refresh-lock.js'

/** A spent state is remembered as long as its transaction's cookie could still be presented, in ms. */
const REMEMBERED_FOR = 60 * 60 * 1000

/** A transaction is not taken for longer than that, and a login that failed leaves no more in the store. In ms. */
const UNFINISHED_FOR = 15 * 60 * 1000

const UNFINISHED: SpentState = { login: null }

/** What is known of a state that a callback has presented before. */
export interface SpentState {
  /** The login that it has brought; `null` where that failed or is under way. */
  login: FinishedLogin | null
}

/** A login that a callback has brought. */
export interface FinishedLogin {
  /** Whose it is: only who has that token set is sent to its return path. */
  tokenSetId: string
  returnPath: string
}

/**
 * States work once (RFC 6749 §10.12). In one process that is certain, and across processes with a lock. Without one the session
 * store tells the other processes, and Sentinel's own rule, that a code works once, closes the moment in between.
 */
export interface SpentStates {
  /** What is known of a state, or `null` where no callback has presented it. @throws LE_AUTH_STORE_UNAVAILABLE */
  find: (store: RecordStore, state: string) => Promise<SpentState | null>
  /** Spends a state before its code is exchanged; false where somebody else was quicker. @throws LE_AUTH_STORE_UNAVAILABLE */
  spend: (store: RecordStore, state: string) => Promise<boolean>
  /**
   * Spends a state whose callback brought nothing to exchange, in this process alone: anybody can make such callbacks, and
   * the shared store is for logins.
   */
  spendHere: (state: string) => void
  /** Notes that the login of a spent state succeeded. @throws LE_AUTH_STORE_UNAVAILABLE */
  finish: (store: RecordStore, state: string, login: FinishedLogin) => Promise<void>
}

/**
 * @param sharedStore whether the session store is more than this process's memory
 * @param lock makes it certain across processes as well
 */
export function createSpentStates (now: () => number, sharedStore: boolean, lock: RefreshLock | undefined): SpentStates {
  const notes = createNotes<SpentState>({ prefix: 'le-auth:state:', lifetime: REMEMBERED_FOR, sharedStore, now, read: spentState })
  return {
    find: (store, state) => notes.find(store, digest(state)),
    async spend (store, state) {
      const id = digest(state)
      if (notes.own(id) !== null) return false
      return holding(lock, `le-auth:state:${id}`, lockUnavailable, async () => {
        // Without a lock the store has just been asked, and asking again would not make it certain.
        if (lock !== undefined && await notes.find(store, id) !== null) return false
        await notes.write(store, id, UNFINISHED, UNFINISHED_FOR)
        return true
      })
    },
    spendHere: state => notes.remember(digest(state), UNFINISHED),
    finish: (store, state, login) => notes.write(store, digest(state), { login })
  }
}

function lockUnavailable (): Error {
  return leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: 'lock' })
}

/** The store gets a digest, so that no text from a URL becomes a key in it. */
function digest (state: string): string {
  return createHash('sha256').update(state).digest('base64url')
}

/** Whatever a store made of the note, it was noted: the state is spent. */
function spentState ({ login }: Partial<SpentState>): SpentState {
  return typeof login?.tokenSetId === 'string' && typeof login.returnPath === 'string' ? { login } : UNFINISHED
}
