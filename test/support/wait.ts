import type { SentinelEmulator } from '../../lib/emulator/index.ts'

/** How long something may take that happens at once, on a busy machine, in ms. */
const PATIENCE = 30_000

/** Waits until a condition is true. @throws Error if that takes too long */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`never came true: ${condition}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** A place in the code under test that waits until the test opens it. */
export interface Gate {
  /** Waits until something has come to `pass`. */
  reached: () => Promise<void>
  /** Waits until the gate is open. */
  pass: () => Promise<void>
  open: () => void
}

/** A gate that is closed at first. */
export function gate(): Gate {
  let isReached = false
  let open = (): void => {}
  const isOpen = new Promise<void>(resolve => {
    open = resolve
  })
  const pass = (): Promise<void> => {
    isReached = true
    return isOpen
  }
  return { open, reached: () => until(() => isReached), pass }
}

/**
 * A response of Sentinel that is ready and held back: Sentinel has done its work, and the app does
 * not know yet.
 */
export interface HeldResponse {
  /** Waits until the response is ready, and returns its body. */
  ready: () => Promise<any>
  release: () => void
}

/** Holds back the next response of an endpoint of the emulator. */
export function hold(
  sentinel: SentinelEmulator,
  endpoint: 'token' | 'refresh' | 'revoke'
): HeldResponse {
  let body: unknown
  const { reached, pass, open } = gate()
  sentinel.next(endpoint, {
    change: async made => {
      body = made
      await pass()
      return made
    }
  })
  return {
    release: open,
    async ready() {
      await reached()
      return body
    }
  }
}
