import type { HeldLock, Lock } from '../../lib/index.ts'

/** A lock for apps in one process, with a first-come, first-served queue for each token set. */
export class FairLock implements Lock {
  readonly #last = new Map<string, Promise<void>>()

  async acquire(tokenSetId: string): Promise<HeldLock> {
    const before = this.#last.get(tokenSetId)
    let free = (): void => {}
    this.#last.set(
      tokenSetId,
      new Promise<void>(resolve => {
        free = resolve
      })
    )
    await before
    return { release: async () => free() }
  }
}
