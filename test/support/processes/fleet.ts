import type { Test } from 'tap'
import {
  startSentinelEmulator,
  type SentinelEmulator,
  type StartSentinelEmulatorOptions
} from '../../../lib/emulator/index.ts'
import type { LeAuthOptions } from '../../../lib/index.ts'
import type { RedisLockOptions } from '../../../lib/store/redis-lock.ts'
import { callsOf, optionsFor, registerRedirectUris } from '../app.ts'
import { Browser } from '../browser.ts'
import { Clock, HOUR } from '../clock.ts'
import { startBalancer } from '../servers.ts'
import { startAppProcess, type AppProcess } from './child.ts'
import type { InstanceSettings } from './fleet-app.ts'

const ORIGIN = 'http://localhost:3000'

interface FleetSettings {
  size: number
  /** The URL of their Redis. */
  redisUrl: string
  /** Settings of the lock; without them there is no lock. */
  lock?: RedisLockOptions
  emulator?: StartSentinelEmulatorOptions
  /** Options that JSON can carry. */
  options?: LeAuthOptions
}

/**
 * Processes with the same app behind one public origin, and their emulator, all under one clock.
 */
export interface Fleet {
  instances: AppProcess[]
  sentinel: SentinelEmulator
  clock: Clock
  url: (path: string) => string
  /** A browser whose requests go to the processes in turn. */
  browser: () => Browser
  /** A browser with the same cookies, whose requests all go to one process. */
  at: (browser: Browser, instance: number) => Promise<Browser>
  /** Moves the clock of all processes on, in ms. */
  advance: (ms: number) => Promise<void>
  /** How many requests reached an endpoint of the emulator. */
  calls: (endpoint: string) => number
  /** What all processes have printed. */
  output: () => string
}

/** Starts the processes and a load balancer in front of them, and ends all with the test. */
export async function startFleet(
  t: Test,
  { size, redisUrl, lock, emulator, options }: FleetSettings
): Promise<Fleet> {
  const clock = new Clock()
  const sentinel = await startSentinelEmulator({ now: clock.now, ...emulator })
  t.teardown(() => sentinel.close())
  registerRedirectUris(sentinel, [`${ORIGIN}/callback`])
  const settings: InstanceSettings = {
    redisUrl,
    ahead: 0,
    lock: lock ?? null,
    options: {
      ...optionsFor(sentinel, `${ORIGIN}/callback`),
      idleLifetime: 8 * HOUR,
      ...options
    }
  }
  const start = (): Promise<AppProcess> => startAppProcess(t, 'fleet-app.ts', settings)
  const instances = await Promise.all(Array.from({ length: size }, start))
  const alive = (): AppProcess[] => instances.filter(({ isAlive }) => isAlive())
  const balancer = await startBalancer(t, () => alive().map(({ server }) => server))

  return {
    instances,
    sentinel,
    clock,
    url: path => ORIGIN + path,
    browser: () => new Browser({ [ORIGIN]: balancer }),
    at: (browser, instance) => browser.copy({ [ORIGIN]: instances[instance]!.server }),
    async advance(ms) {
      clock.advance(ms)
      await Promise.all(alive().map(({ call }) => call({ advance: ms })))
    },
    calls: endpoint => callsOf(sentinel, endpoint),
    output: () => instances.map(({ output }) => output()).join('')
  }
}
