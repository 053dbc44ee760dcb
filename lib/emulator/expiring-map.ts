import { createHash } from 'node:crypto'

/**
 * A map whose entries end by the clock. Keys are secrets and are kept as digests, so that how long a look-up takes
 * tells nothing about them.
 */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, { value: V, expiresAt: number }>()
  readonly #now: () => number

  constructor (now: () => number) {
    this.#now = now
  }

  /** How many entries are kept, those included that have expired since the last was stored. */
  get size (): number {
    return this.#entries.size
  }

  /** Stores a value for a lifetime in milliseconds. */
  set (key: string, value: V, lifetime: number): void {
    this.#dropExpired()
    this.#entries.delete(digest(key))
    this.#entries.set(digest(key), { value, expiresAt: this.#now() + lifetime })
  }

  /** The value, unless it has expired. */
  get (key: string): V | undefined {
    const entry = this.#entries.get(digest(key))
    return entry && entry.expiresAt > this.#now() ? entry.value : undefined
  }

  /** Gives a value that is still alive a new lifetime in milliseconds; one that has ended stays ended. */
  extend (key: string, lifetime: number): void {
    const value = this.get(key)
    if (value !== undefined) this.set(key, value, lifetime)
  }

  /** Deletes all values that the predicate picks. */
  deleteWhere (picks: (value: V) => boolean): void {
    for (const [key, { value }] of this.#entries) {
      if (picks(value)) this.#entries.delete(key)
    }
  }

  // Entries stand in the order they were set, so the oldest are first and one that lives ends the search.
  #dropExpired (): void {
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt > this.#now()) return
      this.#entries.delete(key)
    }
  }
}

function digest (key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}
