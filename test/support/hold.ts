import type { SentinelEmulator } from '../../lib/emulator/index.js'
import { until } from './shifted.js'

/** An answer of Sentinel's that is ready and kept back: all of its work is done, and the app does not know yet. */
export interface HeldAnswer {
  /** Waits until the answer is ready. @returns what it says */
  ready: () => Promise<any>
  release: () => void
}

/** Holds back the next answer of an endpoint. */
export function hold (sentinel: SentinelEmulator, endpoint: 'token' | 'refresh' | 'revoke'): HeldAnswer {
  let answer: unknown
  let isReady = false
  let release = (): void => {}
  const released = new Promise<void>(resolve => { release = resolve })
  sentinel.next(endpoint, { change: async made => { answer = made; isReady = true; await released; return made } })
  return { release, async ready () { await until(() => isReady); return answer } }
}
