/** A clock that a test moves on; it starts at the real time and runs with it. */
export class Clock {
  #ahead = 0

  /** For the `now` option of the plugin and of the emulator. */
  readonly now = (): number => Date.now() + this.#ahead

  /** Moves the clock on, in ms. */
  advance (ms: number): void {
    this.#ahead += ms
  }
}

/** A clock that stands still between the moves of a test; `now` is what lru-cache reads too. */
export class FixedClock {
  #time = Date.UTC(2027, 0, 4, 9)

  readonly now = (): number => this.#time

  /** Moves the clock on, in ms. */
  advance (ms: number): void {
    this.#time += ms
  }
}

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

/** An `httpTimeout` for tests that wait until it is over: soon, and still later than any answer of a Sentinel that is well, on a busy machine. */
export const SHORT_DEADLINE = 2 * SECOND
