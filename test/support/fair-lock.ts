import type { HeldRefreshLock, RefreshLock } from '../../lib/index.js'

/** A lock for apps in one process: each token set has a queue, and who came first is served first. */
export class FairLock implements RefreshLock {
  readonly #last = new Map<string, Promise<void>>()

  async acquire (tokenSetId: string): Promise<HeldRefreshLock> {
    const before = this.#last.get(tokenSetId)
    let free = (): void => {}
    this.#last.set(tokenSetId, new Promise<void>(resolve => { free = resolve }))
    await before
    return { release: async () => free() }
  }
}
