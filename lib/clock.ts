/** Node's timers, or a test's; see {@link LeAuthOptions.timers}. */
export interface Timers {
  /** Calls back once, after this many ms. @returns what `clearTimeout` takes */
  setTimeout: (callback: () => void, ms: number) => unknown
  clearTimeout: (timer: any) => void
}

/** Node fires a longer timer at once. In ms. */
const LONGEST_TIMER = 2 ** 31 - 1

/** The plugin's only source of time, so that a test can shift the hour and all waiting together. */
export class Clock {
  /** In ms since 1970. */
  readonly now: () => number
  readonly #timers: Timers

  constructor(now: () => number, timers: Timers) {
    this.now = now
    this.#timers = timers
  }

  /**
   * Calls back once, after this many ms. Does not keep the process alive.
   *
   * @returns a function that cancels the timer
   */
  after(ms: number, callback: () => void): () => void {
    const timer = this.#timers.setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_TIMER))
    ;(timer as { unref?: () => void }).unref?.()
    return () => this.#timers.clearTimeout(timer)
  }

  /** Calls back again and again, each time after this many ms. @returns a function that ends it */
  every(ms: number, callback: () => void): () => void {
    const again = (): void => {
      callback()
      cancel = this.after(ms, again)
    }
    let cancel = this.after(ms, again)
    return () => cancel()
  }

  /** Resolves after this many ms. Keeps the process alive. */
  wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#timers.setTimeout(resolve, ms)
    })
  }
}
