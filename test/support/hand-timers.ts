import type { Timers } from '../../lib/clock.js'

/** Timers for the plugin of which those of one length run when the test says so; the others are real. */
export class HandTimers implements Timers {
  readonly #ms: number
  readonly #pending = new Map<object, () => void>()

  /** @param ms the length of those that the test runs */
  constructor (ms: number) {
    this.#ms = ms
  }

  readonly setTimeout = (callback: () => void, ms: number): object => {
    if (ms !== this.#ms) return setTimeout(callback, ms)
    const timer = {}
    this.#pending.set(timer, callback)
    return timer
  }

  readonly clearTimeout = (timer: any): void => {
    if (!this.#pending.delete(timer)) clearTimeout(timer)
  }

  /** How many are running. */
  get pending (): number {
    return this.#pending.size
  }

  /** Lets the time of all that are running be over. */
  fire (): void {
    const callbacks = [...this.#pending.values()]
    this.#pending.clear()
    for (const callback of callbacks) callback()
  }
}
