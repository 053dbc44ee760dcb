/** How many calls may wait at most. Each holds a request of a visitor in memory. */
const MOST_WAITING = 1000

/** Lets a bounded number of calls run at a time. The others wait for their turn, oldest first. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  /** @param atOnce how many calls may run at a time */
  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /**
   * Waits for a turn, which lasts until {@link release}.
   *
   * @returns `false` without a turn, if `signal` aborts before it comes or if too many wait already
   */
  async take(signal: AbortSignal): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1
      return true
    }
    return this.#waiting.size < MOST_WAITING && this.#wait(signal)
  }

  /** Ends a turn. */
  release(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free += 1
    else next()
  }

  #wait(signal: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp)
        this.#waiting.delete(begin)
        resolve(true)
      }
      const giveUp = (): void => {
        this.#waiting.delete(begin)
        resolve(false)
      }
      this.#waiting.add(begin)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }
}
