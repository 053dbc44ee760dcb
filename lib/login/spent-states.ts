import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { leAuthError } from '../errors.js'
import { bounded } from '../store/bounded.js'
import { find, type Records } from '../store/records.js'
import { holding, type RefreshLock } from '../store/refresh-lock.js'
import type { Sealer } from '../store/seal.js'

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
  /** Whose it is: only a browser with that login is sent to its return path. */
  loginKey: string
  returnPath: string
}

/** At some hundred bytes each this is a few MB; what is pushed out is still in a shared store. */
const MAX_REMEMBERED = 10_000

interface SpentStatesParts {
  records: Records
  sealer: Sealer
  /** Makes it certain across processes as well. */
  lock: RefreshLock | undefined
  now: () => number
}

/**
 * States work once (RFC 6749 §10.12). In one process that is certain, and across processes with a lock. Without one the session
 * store tells the other processes, and Sentinel's own rule, that a code works once, closes the moment in between.
 */
export class SpentStates {
  readonly #with: SpentStatesParts
  readonly #remembered: LRUCache<string, SpentState>

  constructor (parts: SpentStatesParts) {
    this.#with = parts
    this.#remembered = new LRUCache({ ...bounded(MAX_REMEMBERED, parts.now), ttl: REMEMBERED_FOR })
  }

  /** What is known of a state, or `null` if no callback has presented it. @throws LE_AUTH_STORE_UNAVAILABLE */
  async find (state: string): Promise<SpentState | null> {
    return this.#find(digest(state))
  }

  /** Spends a state before its code is exchanged; false if somebody else was quicker. @throws LE_AUTH_STORE_UNAVAILABLE */
  async spend (state: string): Promise<boolean> {
    const id = digest(state)
    if (this.#remembered.has(id)) return false
    const { lock } = this.#with
    return holding(lock, `le-auth:state:${id}`, lockUnavailable, async () => {
      // Without a lock the store has just been asked, and asking again would not make it certain.
      if (lock !== undefined && await this.#find(id) !== null) return false
      await this.#write(id, UNFINISHED, UNFINISHED_FOR)
      return true
    })
  }

  /**
   * Spends a state whose callback brought nothing to exchange, in this process alone: anybody can make such callbacks, and
   * the shared store is for logins.
   */
  spendHere (state: string): void {
    this.#remembered.set(digest(state), UNFINISHED)
  }

  /** Notes that the login of a spent state succeeded. @throws LE_AUTH_STORE_UNAVAILABLE */
  async finish (state: string, login: FinishedLogin): Promise<void> {
    await this.#write(digest(state), { login }, REMEMBERED_FOR)
  }

  async #find (id: string): Promise<SpentState | null> {
    const { records, sealer } = this.#with
    const remembered = this.#remembered.get(id) ?? null
    if (remembered !== null || !records.shared) return remembered
    const text = await find(records, 'state', id)
    // Whatever the store made of the record, the state is spent.
    return text === null ? null : (sealer.open('state', id, text) ?? UNFINISHED) as SpentState
  }

  async #write (id: string, spent: SpentState, lifetime: number): Promise<void> {
    const { records, sealer, now } = this.#with
    this.#remembered.set(id, spent)
    if (records.shared) await records.set('state', id, sealer.seal('state', id, spent), now() + lifetime)
  }
}

function lockUnavailable (): Error {
  return leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: 'lock' })
}

/** The store gets a digest, so that no text from a URL becomes a key in it. */
function digest (state: string): string {
  return hash('sha256', state, 'base64url')
}
