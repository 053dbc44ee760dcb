import type { Test } from 'tap'
import { startSentinelEmulator, type SentinelEmulator, type StartSentinelEmulatorOptions } from '../../lib/emulator/index.js'
import type { LeAuthOptions } from '../../lib/index.js'
import { startApp, type Setting, type TestApp } from './app.js'
import type { Browser } from './browser.js'
import { Clock, HOUR } from './clock.js'
import { TestStore } from './stores.js'

/** Two apps that share a store, a secret and a Sentinel, as two processes would, and can be asked by the same browser. */
export interface TwoApps {
  one: TestApp
  other: TestApp
  sentinel: SentinelEmulator
  store: TestStore
  clock: Clock
  /** A browser of the first app that is one of the second app too, at this moment. */
  toOther: (browser: Browser) => Promise<Browser>
}

export async function twoApps (t: Test, emulator: StartSentinelEmulatorOptions = {}, options: LeAuthOptions = {}, more: Pick<Setting, 'after'> = {}): Promise<TwoApps> {
  const clock = new Clock()
  const store = new TestStore()
  const sentinel = await startSentinelEmulator({ now: clock.now, ...emulator })
  t.teardown(() => sentinel.close())
  const setting = { ...more, sentinel, options: { now: clock.now, session: { store, idleLifetime: 8 * HOUR }, ...options } }
  const one = await startApp(t, setting)
  const other = await startApp(t, setting)
  return { one, other, sentinel, store, clock, toOther: browser => browser.copy({ [other.origin]: other.server }) }
}
