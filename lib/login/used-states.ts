import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { leAuthError } from '../errors.ts'
import { bounded } from '../store/bounded.ts'
import { holding, type Lock } from '../store/lock.ts'
import { find, type Records } from '../store/records.ts'
import type { Sealer } from '../store/seal.ts'

/** A used state is remembered for as long as its transaction's cookie lives, in ms. */
const REMEMBERED_FOR = 60 * 60 * 1000
/** No transaction is accepted for longer, so a failed login needs no longer record. In ms. */
const UNFINISHED_FOR = 15 * 60 * 1000
/** A few MB, at some hundred bytes each. A shared store still has what was dropped here. */
const MAX_REMEMBERED = 10_000

/** A state that a callback has used. */
export interface UsedState {
  /** The login that the callback brought; `null` if it failed or is still pending. */
  login: FinishedLogin | null
}

/** A login that a callback has brought. */
export interface FinishedLogin {
  /** Only a browser with this login is redirected to its return path. */
  loginKey: string
  returnPath: string
}

const UNFINISHED: UsedState = { login: null }

interface UsedStatesParts {
  records: Records
  sealer: Sealer
  /** Makes sure that a state works only once in all processes together. */
  lock: Lock | undefined
  now: () => number
}

/**
 * A state works once (RFC 6749 §10.12): always in one process, and with a lock in all processes.
 * Without a lock, other processes see in the store that a state was used. If two use it at the same
 * moment, Sentinel refuses the second use of the code.
 */
export class UsedStates {
  readonly #with: UsedStatesParts
  readonly #remembered: LRUCache<string, UsedState>
  /** In a memory of their own: anybody can cause many, and they must not displace the others. */
  readonly #failed: LRUCache<string, UsedState>

  constructor(parts: UsedStatesParts) {
    const bounds = bounded(MAX_REMEMBERED, parts.now)
    this.#with = parts
    this.#remembered = new LRUCache({ ...bounds, ttl: REMEMBERED_FOR })
    this.#failed = new LRUCache({ ...bounds, ttl: REMEMBERED_FOR })
  }

  /** What became of a state; `null` if it was never used. @throws LE_AUTH_STORE_UNAVAILABLE */
  async find(state: string): Promise<UsedState | null> {
    return this.#find(digest(state))
  }

  /** The same, as far as this process knows, without a call to the store. */
  findHere(state: string): UsedState | null {
    return this.#findHere(digest(state))
  }

  /**
   * Uses a state, before its code is exchanged.
   *
   * @returns whether this is its first use
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async use(state: string): Promise<boolean> {
    const id = digest(state)
    if (this.#findHere(id) !== null) return false
    const { lock } = this.#with
    return holding(lock, `le-auth:state:${id}`, lockUnavailable, async () => {
      // Without a lock, the store was read just before, and reading it again would prove nothing.
      if (lock !== undefined && (await this.#find(id)) !== null) return false
      await this.#write(id, UNFINISHED, UNFINISHED_FOR)
      return true
    })
  }

  /**
   * Uses the state of a response that brings no code. If the store fails, only this process knows.
   */
  async useWithoutCode(state: string): Promise<void> {
    const id = digest(state)
    this.#failed.set(id, UNFINISHED)
    await this.#store(id, UNFINISHED, UNFINISHED_FOR).catch(() => {})
  }

  /** Notes that the login of a used state failed. The state stays used. */
  noteFailure(state: string): void {
    const id = digest(state)
    this.#failed.set(id, UNFINISHED)
    this.#remembered.delete(id)
  }

  /** Notes that the login of a used state succeeded. @throws LE_AUTH_STORE_UNAVAILABLE */
  async finish(state: string, login: FinishedLogin): Promise<void> {
    await this.#write(digest(state), { login }, REMEMBERED_FOR)
  }

  async #find(id: string): Promise<UsedState | null> {
    const { records, sealer } = this.#with
    const remembered = this.#findHere(id)
    if (remembered !== null || !records.shared) return remembered
    const text = await find(records, 'state', id)
    if (text === null) return null
    // A record that does not open still says that the state was used.
    return (sealer.open('state', id, text) ?? UNFINISHED) as UsedState
  }

  #findHere(id: string): UsedState | null {
    return this.#remembered.get(id) ?? this.#failed.get(id) ?? null
  }

  async #write(id: string, used: UsedState, lifetime: number): Promise<void> {
    this.#remembered.set(id, used)
    await this.#store(id, used, lifetime)
  }

  async #store(id: string, used: UsedState, lifetime: number): Promise<void> {
    const { records, sealer, now } = this.#with
    if (!records.shared) return
    await records.set('state', id, sealer.seal('state', id, used), now() + lifetime)
  }
}

function lockUnavailable(): Error {
  return leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: 'lock' })
}

/** The store gets a digest, so that no text of a URL becomes one of its keys. */
function digest(state: string): string {
  return hash('sha256', state, 'base64url')
}
