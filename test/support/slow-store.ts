import { MemoryStore } from '../../lib/store/memory-store.js'

/** Answers a little later, as a store over the network does. */
export class SlowStore extends MemoryStore {
  readonly #delay: number

  /** @param delay in ms */
  constructor (delay: number, now: () => number = Date.now) {
    super(1000, now)
    this.#delay = delay
  }

  override get (...args: Parameters<MemoryStore['get']>): void { setTimeout(() => super.get(...args), this.#delay) }
  override set (...args: Parameters<MemoryStore['set']>): void { setTimeout(() => super.set(...args), this.#delay) }
  override destroy (...args: Parameters<MemoryStore['destroy']>): void { setTimeout(() => super.destroy(...args), this.#delay) }
}
