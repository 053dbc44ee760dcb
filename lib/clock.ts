/** Real or test timers; see {@link LeAuthOptions.timers}. */
export interface Timers {
  /** Calls back once, after so many ms. @returns what `clearTimeout` takes */
  setTimeout: (callback: () => void, ms: number) => unknown
  clearTimeout: (timer: any) => void
}

/** Node fires a longer timer at once. In ms. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Time as the plugin sees it: the hour and all waiting come from here, so that a test moves both together. */
export class Clock {
  /** In ms since 1970. */
  readonly now: () => number
  readonly #timers: Timers

  constructor (now: () => number, timers: Timers) {
    this.now = now
    this.#timers = timers
  }

  /**
   * Calls back once, after so many ms. Does not keep the process alive.
   *
   * @returns cancels it
   */
  after (ms: number, callback: () => void): () => void {
    const timer = this.#timers.setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_TIMER))
    ;(timer as { unref?: () => void }).unref?.()
    return () => this.#timers.clearTimeout(timer)
  }

  /** Resolves after so many ms. Keeps the process alive. */
  wait (ms: number): Promise<void> {
    return new Promise(resolve => { this.#timers.setTimeout(resolve, ms) })
  }
}
