import { MemoryStore } from '../../lib/session/memory-store.js'

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

/** Holds back the writing of token sets while it is told to. */
export class HoldingStore extends MemoryStore {
  #held: Array<() => void> | null = null

  hold (): void {
    this.#held = []
  }

  get holds (): number {
    return this.#held?.length ?? 0
  }

  release (): void {
    const held = this.#held ?? []
    this.#held = null
    for (const write of held) write()
  }

  override set (...args: Parameters<MemoryStore['set']>): void {
    if (this.#held !== null && args[0].startsWith('le-auth:tokens:')) this.#held.push(() => super.set(...args))
    else super.set(...args)
  }
}
