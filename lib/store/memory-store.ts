import { LRUCache } from 'lru-cache'
import { bounded } from './bounded.js'
import { MemoryRecords } from './memory-records.js'
import type { PlainStore } from './session-store.js'

/** What a store reads of a session: when it ends, as its cookie says. */
interface Ending {
  cookie?: { expires?: Date | null, originalMaxAge?: number | null }
}

/**
 * The default store of the app's sessions: bounded in number, forgets what has expired, and keeps text only, so that no
 * stored session can hold a request or share an object with one. Its records end with the process. Sessions of logged-in
 * users are kept apart, so that visitors push out visitors only.
 */
export class MemoryStore implements PlainStore {
  /** The plugin's own records, of logins, in the same bounds. */
  readonly records: MemoryRecords
  readonly #users: LRUCache<string, string>
  readonly #visitors: LRUCache<string, string>
  readonly #now: () => number

  /**
   * @param max how many sessions of each kind to keep; the least recently used one goes first
   * @param now the clock, in ms
   */
  constructor (max: number, now: () => number) {
    this.records = new MemoryRecords(max, now)
    this.#users = new LRUCache(bounded(max, now))
    this.#visitors = new LRUCache(bounded(max, now))
    this.#now = now
  }

  get size (): number {
    return this.records.size + this.#users.size + this.#visitors.size
  }

  get (id: string, callback: (error: unknown, session?: any) => void): void {
    const text = this.#users.get(id) ?? this.#visitors.get(id)
    callback(null, text === undefined ? null : JSON.parse(text))
  }

  set (id: string, session: object, callback: (error?: unknown) => void): void {
    const text = JSON.stringify(session)
    const sessions = Object.hasOwn(session, 'leAuth') ? this.#users : this.#visitors
    const lifetime = this.#lifetime(session)
    sessions.set(id, text, lifetime === null ? {} : { ttl: Math.max(1, lifetime) })
    callback()
  }

  destroy (id: string, callback: (error?: unknown) => void): void {
    this.#users.delete(id)
    this.#visitors.delete(id)
    callback()
  }

  /** Forgets what has expired. */
  purge (): void {
    this.records.purge()
    this.#users.purgeStale()
    this.#visitors.purgeStale()
  }

  /** How long a record lives, in ms; `null` for ever, which the number of records bounds. */
  #lifetime ({ cookie }: Ending): number | null {
    if (cookie?.originalMaxAge) return cookie.originalMaxAge
    return cookie?.expires ? cookie.expires.getTime() - this.#now() : null
  }
}
