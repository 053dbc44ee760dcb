import { createHash } from 'node:crypto'

/**
 * A map whose entries expire. Its keys are secrets. They are stored as digests, so that the time of
 * a look-up reveals nothing about them.
 */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, { value: V; expiresAt: number }>()
  readonly #now: () => number

  /** @param now the clock, in ms */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The number of entries, including those that have expired since the last `set`. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * Stores a value.
   * @param lifetime in ms
   */
  set(key: string, value: V, lifetime: number): void {
    this.#dropExpired()
    this.#entries.delete(digest(key))
    this.#entries.set(digest(key), { value, expiresAt: this.#now() + lifetime })
  }

  /** The value, or undefined if it is unknown or expired. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(digest(key))
    return entry && entry.expiresAt > this.#now() ? entry.value : undefined
  }

  /**
   * Gives a value a new lifetime. An expired value stays expired.
   * @param lifetime in ms
   */
  extend(key: string, lifetime: number): void {
    const value = this.get(key)
    if (value !== undefined) this.set(key, value, lifetime)
  }

  /** Deletes all values for which the predicate is true. */
  deleteWhere(picks: (value: V) => boolean): void {
    for (const [key, { value }] of this.#entries) {
      if (picks(value)) this.#entries.delete(key)
    }
  }

  // Entries are in the order of their last `set`, so the expired ones come first.
  #dropExpired(): void {
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt > this.#now()) return
      this.#entries.delete(key)
    }
  }
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}
