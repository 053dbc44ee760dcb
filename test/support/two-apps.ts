import type { Test } from 'tap'
import {
  startSentinelEmulator,
  type SentinelEmulator,
  type StartSentinelEmulatorOptions
} from '../../lib/emulator/index.ts'
import type { LeAuthOptions } from '../../lib/index.ts'
import { type Setting, startApp, type TestApp } from './app.ts'
import type { Browser } from './browser.ts'
import { Clock, HOUR } from './clock.ts'
import { TestStore } from './stores.ts'

/** Two apps that share a store, a secret and an emulator, as two processes of one app do. */
export interface TwoApps {
  one: TestApp
  other: TestApp
  sentinel: SentinelEmulator
  store: TestStore
  clock: Clock
  /** A browser of the second app with the cookies that a browser of the first one has now. */
  toOther: (browser: Browser) => Promise<Browser>
}

/** Starts two apps that stand for two processes, and closes them with the test. */
export async function twoApps(
  t: Test,
  emulator: StartSentinelEmulatorOptions = {},
  options: LeAuthOptions = {},
  more: Pick<Setting, 'after'> = {}
): Promise<TwoApps> {
  const clock = new Clock()
  const store = new TestStore()
  const sentinel = await startSentinelEmulator({ now: clock.now, ...emulator })
  t.teardown(() => sentinel.close())
  const defaults = { now: clock.now, store, idleLifetime: 8 * HOUR }
  const setting = { ...more, sentinel, options: { ...defaults, ...options } }
  const one = await startApp(t, setting)
  const other = await startApp(t, setting)
  const toOther: TwoApps['toOther'] = browser => browser.copy({ [other.origin]: other.server })
  return { one, other, sentinel, store, clock, toOther }
}
