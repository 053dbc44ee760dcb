import { LRUCache } from 'lru-cache'
import { bounded } from './bounded.ts'
import type { RecordKind, Records } from './records.ts'

interface Slot {
  text: string
  /** In ms since 1970. */
  expiresAt: number
}

type Slots = Partial<Record<RecordKind, Slot>>

/**
 * Records in the memory of this process, for a bounded number of logins. The least recently used
 * login is dropped first, with all its records. Visitors have no records here, so they push nobody
 * out.
 */
export class MemoryRecords implements Records {
  readonly shared = false
  readonly #logins: LRUCache<string, Slots>
  readonly #now: () => number

  /** @param max how many logins to keep */
  constructor(max: number, now: () => number) {
    this.#logins = new LRUCache(bounded(max, now))
    this.#now = now
  }

  /** How many logins have records. */
  get size(): number {
    return this.#logins.size
  }

  get(kind: RecordKind, id: string, done: (error: null, text: string | null) => void): void {
    const slot = this.#logins.get(id)?.[kind]
    done(null, slot !== undefined && this.#now() < slot.expiresAt ? slot.text : null)
  }

  async set(kind: RecordKind, id: string, text: string, expiresAt: number): Promise<void> {
    this.#keep(id, { ...this.#logins.peek(id), [kind]: { text, expiresAt } })
  }

  async destroy(kind: RecordKind, id: string): Promise<void> {
    const { [kind]: _destroyed, ...others } = this.#logins.peek(id) ?? {}
    this.#keep(id, others)
  }

  /** Drops the logins that have expired. */
  purge(): void {
    this.#logins.purgeStale()
  }

  #keep(id: string, slots: Slots): void {
    const latest = Math.max(...Object.values(slots).map(({ expiresAt }) => expiresAt))
    const lifetime = latest - this.#now()
    if (lifetime > 0) this.#logins.set(id, slots, { ttl: lifetime })
    else this.#logins.delete(id)
  }
}
