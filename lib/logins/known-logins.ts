import { LRUCache } from 'lru-cache'
import { bounded } from '../store/bounded.ts'
import type { Login } from './login.ts'

/**
 * About 2 MB at a KB each. After a login was evicted, its next request reads three records instead
 * of one, in one round trip.
 */
const MAX_REMEMBERED = 2000

/**
 * The logins that this process knows. There is only one object per login while anything refers to
 * it, so ending it for one request ends it for all. This class keeps those used recently. Open
 * requests keep the others alive.
 */
export class KnownLogins {
  readonly #recent = new LRUCache<string, Login>({
    ...bounded(MAX_REMEMBERED),
    dispose: (login, key, reason) => {
      if (reason === 'evict') this.#letGo(key, login)
    }
  })

  /** Logins that `#recent` has evicted, but that an open request may still use. */
  readonly #others = new Map<string, WeakRef<Login>>()
  readonly #collected = new FinalizationRegistry<[string, WeakRef<Login>]>(([key, ref]) => {
    // There may be another login object of the same key by now.
    if (this.#others.get(key) === ref) this.#others.delete(key)
  })

  get(key: string): Login | undefined {
    return this.#recent.get(key) ?? this.#others.get(key)?.deref()
  }

  add(login: Login): void {
    this.#recent.set(login.key, login)
  }

  #letGo(key: string, login: Login): void {
    const ref = new WeakRef(login)
    this.#others.set(key, ref)
    this.#collected.register(login, [key, ref])
  }
}
