import type { SessionStore } from '@fastify/session'
import type { Session } from 'fastify'

type Callback = (error?: unknown) => void

/** A store that hands on to another, counts the calls and remembers the ids. */
export class CountingStore implements SessionStore {
  readonly calls = { get: 0, set: 0, destroy: 0 }
  readonly #inner: SessionStore
  readonly #ids = new Set<string>()

  constructor (inner: SessionStore) {
    this.#inner = inner
  }

  get (id: string, callback: (error: unknown, session?: Session | null) => void): void {
    this.calls.get += 1
    this.#inner.get(id, callback)
  }

  set (id: string, session: Session, callback: Callback): void {
    this.calls.set += 1
    this.#ids.add(id)
    this.#inner.set(id, session, callback)
  }

  destroy (id: string, callback: Callback): void {
    this.calls.destroy += 1
    this.#ids.delete(id)
    this.#inner.destroy(id, callback)
  }

  /** The ids of what is stored, oldest first. */
  ids (): string[] {
    return [...this.#ids]
  }

  /** What is stored, as it comes out of the store. */
  records (): Array<Record<string, unknown>> {
    return this.ids().map(id => {
      let found: unknown
      this.#inner.get(id, (_error, record) => { found = record })
      return found as Record<string, unknown>
    })
  }
}
