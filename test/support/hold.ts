import type { SentinelEmulator } from '../../lib/emulator/index.js'
import { until } from './shifted.js'

/** A place where something waits until it is let on; whoever comes after that does not wait. */
export interface Gate {
  reached: () => Promise<void>
  pass: () => Promise<void>
  open: () => void
}

export function gate (): Gate {
  let isReached = false
  let open = (): void => {}
  const isOpen = new Promise<void>(resolve => { open = resolve })
  return { open, reached: () => until(() => isReached), pass () { isReached = true; return isOpen } }
}

/** An answer of Sentinel's that is ready and kept back: all of its work is done, and the app does not know yet. */
export interface HeldAnswer {
  /** Waits until the answer is ready. @returns what it says */
  ready: () => Promise<any>
  release: () => void
}

/** Holds back the next answer of an endpoint. */
export function hold (sentinel: SentinelEmulator, endpoint: 'token' | 'refresh' | 'revoke'): HeldAnswer {
  let answer: unknown
  const { reached, pass, open } = gate()
  sentinel.next(endpoint, { change: async made => { answer = made; await pass(); return made } })
  return { release: open, async ready () { await reached(); return answer } }
}
