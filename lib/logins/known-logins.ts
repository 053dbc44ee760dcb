import { LRUCache } from 'lru-cache'
import { bounded } from '../store/bounded.js'
import type { Login } from './login.js'

/** At about a KB each this is 2 MB; a login that is forgotten costs two more look-ups, in the same round trip. */
const MAX_REMEMBERED = 2000

/**
 * The logins that this process knows, each as one object for as long as anybody holds it: what ends it for one request
 * ends it for all. The recently used are held here, the others by the requests that are open.
 */
export class KnownLogins {
  readonly #recent = new LRUCache<string, Login>({
    ...bounded(MAX_REMEMBERED),
    dispose: (login, key, reason) => { if (reason === 'evict') this.#letGo(key, login) }
  })

  /** Those that others have pushed out, while a request may hold them. */
  readonly #others = new Map<string, WeakRef<Login>>()
  readonly #collected = new FinalizationRegistry<[string, WeakRef<Login>]>(([key, ref]) => {
    // By now there may be another of the same key.
    if (this.#others.get(key) === ref) this.#others.delete(key)
  })

  get (key: string): Login | undefined {
    return this.#recent.get(key) ?? this.#others.get(key)?.deref()
  }

  add (login: Login): void {
    this.#recent.set(login.key, login)
  }

  #letGo (key: string, login: Login): void {
    const ref = new WeakRef(login)
    this.#others.set(key, ref)
    this.#collected.register(login, [key, ref])
  }
}
