import type { SessionStore } from '@fastify/session'
import type { Session } from 'fastify'
import { LRUCache } from 'lru-cache'

/** How often expired records are looked for, in ms. */
const SWEEP_INTERVAL = 60 * 1000

/**
 * The default session store: bounded in number, forgets what has expired, and keeps text only, so that no
 * stored session can hold a request or share an object with one. Its records end with the process.
 */
export class MemoryStore implements SessionStore {
  readonly #records: LRUCache<string, string>
  readonly #now: () => number
  readonly #sweep: NodeJS.Timeout

  /**
   * @param max how many records to keep; the least recently used one goes first
   * @param now the clock, in ms
   */
  constructor (max: number, now: () => number) {
    this.#records = new LRUCache({ max, perf: { now } })
    this.#now = now
    this.#sweep = setInterval(() => this.#records.purgeStale(), SWEEP_INTERVAL).unref()
  }

  get size (): number {
    return this.#records.size
  }

  get (id: string, callback: (error: unknown, session?: Session | null) => void): void {
    const text = this.#records.get(id)
    callback(null, text === undefined ? null : JSON.parse(text))
  }

  set (id: string, session: Session, callback: (error?: unknown) => void): void {
    const text = JSON.stringify(session)
    const lifetime = this.#lifetime(session)
    if (lifetime === null) this.#records.set(id, text)
    else this.#records.set(id, text, { ttl: Math.max(1, lifetime) })
    callback()
  }

  destroy (id: string, callback: (error?: unknown) => void): void {
    this.#records.delete(id)
    callback()
  }

  /** How long a record lives, in ms; `null` for ever, which the number of records bounds. */
  #lifetime ({ cookie }: Session): number | null {
    if (cookie?.originalMaxAge) return cookie.originalMaxAge
    return cookie?.expires ? cookie.expires.getTime() - this.#now() : null
  }

  /** Stops looking for expired records. */
  close (): void {
    clearInterval(this.#sweep)
    this.#records.clear()
  }
}
