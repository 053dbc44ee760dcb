import { LRUCache } from 'lru-cache'
import { bounded } from '../store/bounded.js'
import type { Login } from './login.js'

/** At about a KB each this is some MB; a login that is forgotten costs two more look-ups, in the same round trip. */
const MAX_REMEMBERED = 10_000

/**
 * The logins that this process knows, each as one object for as long as anybody holds it: what ends it for one request
 * ends it for all. The recently used are held here, the others by the requests that are open.
 */
export class KnownLogins {
  readonly #recent = new LRUCache<string, Login>(bounded(MAX_REMEMBERED))
  readonly #all = new Map<string, WeakRef<Login>>()
  #sweepAt = 2 * MAX_REMEMBERED

  get (key: string): Login | undefined {
    return this.#recent.get(key) ?? this.#all.get(key)?.deref()
  }

  add (login: Login): void {
    this.#recent.set(login.key, login)
    this.#all.set(login.key, new WeakRef(login))
    if (this.#all.size > this.#sweepAt) this.#sweep()
  }

  /** Drops the keys of logins that nobody holds any more. */
  #sweep (): void {
    for (const [key, login] of this.#all) {
      if (login.deref() === undefined) this.#all.delete(key)
    }
    // If many are held, not again for each one that comes.
    this.#sweepAt = 2 * Math.max(this.#all.size, MAX_REMEMBERED)
  }
}
