import { LRUCache } from 'lru-cache'
import { bounded } from './bounded.ts'
import { MemoryRecords } from './memory-records.ts'
import type { PlainStore } from './session-store.ts'

/** What a store reads of a session: when it expires, as its cookie says. */
interface Expiring {
  cookie?: { expires?: Date | null; originalMaxAge?: number | null }
}

/**
 * The default store of the app's sessions: bounded in number, and gone with the process. It keeps
 * text only, so that no stored session shares an object with a request. Sessions of users are kept
 * apart from those of visitors, so that visitors push out visitors only.
 */
export class MemoryStore implements PlainStore {
  /** The plugin's own records of logins, within the same bounds. */
  readonly records: MemoryRecords
  readonly #users: LRUCache<string, string>
  readonly #visitors: LRUCache<string, string>
  readonly #now: () => number

  /**
   * @param max how many sessions of each kind to keep; the least recently used is dropped first
   * @param now the clock, in ms
   */
  constructor(max: number, now: () => number) {
    this.records = new MemoryRecords(max, now)
    this.#users = new LRUCache(bounded(max, now))
    this.#visitors = new LRUCache(bounded(max, now))
    this.#now = now
  }

  get size(): number {
    return this.records.size + this.#users.size + this.#visitors.size
  }

  get(id: string, callback: (error: unknown, session?: any) => void): void {
    const text = this.#users.get(id) ?? this.#visitors.get(id)
    callback(null, text === undefined ? null : JSON.parse(text))
  }

  set(id: string, session: object, callback: (error?: unknown) => void): void {
    const sessions = Object.hasOwn(session, 'leAuth') ? this.#users : this.#visitors
    const lifetime = this.#lifetimeOf(session)
    const ttl = lifetime === null ? {} : { ttl: Math.max(1, lifetime) }
    sessions.set(id, JSON.stringify(session), ttl)
    callback()
  }

  destroy(id: string, callback: (error?: unknown) => void): void {
    this.#users.delete(id)
    this.#visitors.delete(id)
    callback()
  }

  /** Drops what has expired. */
  purge(): void {
    this.records.purge()
    this.#users.purgeStale()
    this.#visitors.purgeStale()
  }

  /** In ms; `null` if the session never expires, so that only the number of sessions bounds it. */
  #lifetimeOf({ cookie }: Expiring): number | null {
    if (cookie?.originalMaxAge) return cookie.originalMaxAge
    return cookie?.expires ? cookie.expires.getTime() - this.#now() : null
  }
}
