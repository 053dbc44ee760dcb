import type { Clock } from '../clock.ts'
import type { LoginEnds } from './ends.ts'
import type { Login } from './login.ts'

/**
 * How often the store is read to find out whether another process has ended the login of an open
 * request. In ms.
 */
const LOOK_UP_INTERVAL = 60 * 1000

/** The signals of logins, for requests that stay open. */
export class LoginSignals {
  readonly #ends: LoginEnds
  readonly #clock: Clock
  readonly #watched = new WeakSet<Login>()
  #closed = false

  constructor(ends: LoginEnds, clock: Clock) {
    this.#ends = ends
    this.#clock = clock
  }

  /**
   * Aborts when the login ends: at once if this process ends it, within a minute if another process
   * ends it, and when it expires.
   */
  of(login: Login): AbortSignal {
    if (!this.#watched.has(login)) this.#watch(login)
    return login.signal
  }

  /** Stops looking for ends in other processes. */
  close(): void {
    this.#closed = true
  }

  #watch(login: Login): void {
    this.#watched.add(login)
    if (login.hasEnded || this.#closed) return
    const lifetime = Math.min(login.idleAt, login.facts.endsAt) - this.#clock.now()
    this.#clock.after(Math.min(lifetime, LOOK_UP_INTERVAL), () => {
      // A store that fails says nothing about the login.
      this.#lookUp(login)
        .catch(() => {})
        .finally(() => this.#watch(login))
    })
  }

  async #lookUp(login: Login): Promise<void> {
    const reason = await this.#ends.reasonOf(login)
    if (reason !== null) this.#ends.endInBackground(login, reason)
    else if (!(await this.#ends.isThere(login))) login.end('logged_out')
  }
}
