import type { Timers } from '../../lib/clock.ts'

/** A second, in ms. */
export const SECOND = 1000
/** A minute, in ms. */
export const MINUTE = 60 * SECOND
/** An hour, in ms. */
export const HOUR = 60 * MINUTE

/**
 * An `httpTimeout` for tests that wait until it has passed: short, and still longer than any
 * response of a healthy Sentinel on a busy machine.
 */
export const SHORT_DEADLINE = 2 * SECOND

/** A clock that starts at the real time, runs with it, and can be moved on. */
export class Clock {
  #ahead = 0

  /** For the `now` option of the plugin and of the emulator. */
  readonly now = (): number => Date.now() + this.#ahead

  /** Moves the clock on, in ms. */
  advance(ms: number): void {
    this.#ahead += ms
  }
}

/** A clock that moves only when the test moves it. */
export class FixedClock {
  #time = Date.UTC(2027, 0, 4, 9)

  readonly now = (): number => this.#time

  /** Moves the clock on, in ms. */
  advance(ms: number): void {
    this.#time += ms
  }
}

/** Timers for the plugin: those of one length run when the test says so, the others are real. */
export class HandTimers implements Timers {
  readonly #ms: number
  readonly #pending = new Map<object, () => void>()

  /** @param ms the length of those that the test runs */
  constructor(ms: number) {
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

  /** How many are pending. */
  get pending(): number {
    return this.#pending.size
  }

  /** Lets all that are pending expire. */
  fire(): void {
    const callbacks = [...this.#pending.values()]
    this.#pending.clear()
    for (const callback of callbacks) callback()
  }
}
