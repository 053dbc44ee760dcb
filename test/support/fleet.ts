import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { startSentinelEmulator, type SentinelEmulator, type StartSentinelEmulatorOptions } from '../../lib/emulator/index.js'
import type { LeAuthOptions } from '../../lib/index.js'
import type { RedisRefreshLockOptions } from '../../lib/store/redis-refresh-lock.js'
import { AGENT, optionsFor, signIn, type Person } from './app.js'
import { startBalancer } from './balancer.js'
import { Browser, type Answer } from './browser.js'
import { Clock, HOUR } from './clock.js'
import type { InstanceSettings } from './instance.js'
import { TYPESCRIPT } from './node.js'

const ORIGIN = 'http://localhost:3000'
const PROGRAM = fileURLToPath(new URL('instance.ts', import.meta.url))
/** Several start at once, on a busy machine. */
const STARTS_WITHIN = 60_000

interface FleetSettings {
  size: number
  /** The address of their Redis. */
  redisUrl: string
  /** Settings of the refresh lock; without them there is no lock. */
  lock?: RedisRefreshLockOptions
  emulator?: StartSentinelEmulatorOptions
  /** Options that JSON can carry. */
  options?: LeAuthOptions
}

/** One of the processes. */
export interface Instance {
  /** Where it listens. */
  server: string
  /** What it has printed: its log, and what it should not have. */
  output: () => string
  /** Ends it, and waits until it has ended. @returns its exit code, or the signal */
  end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<number | string>
}

/** Processes with the same app, behind one public origin, and their Sentinel, all under one clock. */
export interface Fleet {
  instances: Instance[]
  sentinel: SentinelEmulator
  clock: Clock
  url: (path: string) => string
  /** A browser whose requests go to the instances in turn. */
  browser: () => Browser
  /** A browser with the same cookies, all of whose requests go to one instance. */
  at: (browser: Browser, instance: number) => Promise<Browser>
  logIn: (browser: Browser, person?: Person) => Promise<Answer>
  /** Moves the clock of all on, in ms. */
  advance: (ms: number) => Promise<void>
  /** How many requests reached an endpoint of the emulator. */
  calls: (endpoint: string) => number
  /** What all of them have printed. */
  output: () => string
}

/** Starts the processes and a load balancer in front of them, and ends all with the test. */
export async function startFleet (t: Test, { size, redisUrl, lock, emulator, options }: FleetSettings): Promise<Fleet> {
  const clock = new Clock()
  const sentinel = await startSentinelEmulator({ now: clock.now, ...emulator })
  t.teardown(() => sentinel.close())
  for (const account of sentinel.accounts) account.applications[0]!.redirectUris.push(`${ORIGIN}/callback`)
  const settings: InstanceSettings = {
    redisUrl,
    ahead: 0,
    lock: lock ?? null,
    options: { ...optionsFor(sentinel, `${ORIGIN}/callback`), session: { idleLifetime: 8 * HOUR }, ...options }
  }
  const processes = await Promise.all(Array.from({ length: size }, () => startInstance(t, settings)))
  const balancer = await startBalancer(t, () => processes.filter(({ isAlive }) => isAlive()).map(({ server }) => server))
  const url = (path: string): string => ORIGIN + path

  return {
    instances: processes,
    sentinel,
    clock,
    url,
    browser: () => new Browser({ [ORIGIN]: balancer }),
    at: (browser, instance) => browser.copy({ [ORIGIN]: processes[instance]!.server }),
    logIn: async (browser, { loginName } = AGENT) => signIn(browser, await browser.navigate(url('/login')), loginName),
    async advance (ms) {
      clock.advance(ms)
      await Promise.all(processes.filter(({ isAlive }) => isAlive()).map(({ advance }) => advance(ms)))
    },
    calls: endpoint => sentinel.requests.filter(request => request.endpoint === endpoint).length,
    output: () => processes.map(({ output }) => output()).join('')
  }
}

interface Process extends Instance {
  isAlive: () => boolean
  advance: (ms: number) => Promise<void>
}

async function startInstance (t: Test, settings: InstanceSettings): Promise<Process> {
  const child = spawn(process.execPath, [...TYPESCRIPT, PROGRAM, JSON.stringify(settings)], { env: environment(), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const exited = new Promise<number | string>(resolve => child.once('exit', (code, signal) => resolve(code ?? signal!)))
  t.teardown(() => { child.kill('SIGKILL'); return exited })
  let output = ''
  child.stdout!.on('data', data => { output += data })
  child.stderr!.on('data', data => { output += data })
  const ended = exited.then(code => { throw new Error(`an instance ended with ${code}:\n${output}`) })
  ended.catch(() => {})

  const { address } = await Promise.race([message(child), ended])
  return {
    server: address,
    output: () => output,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async advance (ms) {
      const done = Promise.race([message(child), ended])
      child.send({ advance: ms })
      await done
    },
    async end (signal) {
      child.kill(signal)
      return exited
    }
  }
}

async function message (child: ChildProcess): Promise<any> {
  const [message] = await once(child, 'message', { signal: AbortSignal.timeout(STARTS_WITHIN) })
  return message
}

/** The environment without what belongs to tap or to a developer's own account. */
function environment (): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(TAP|_TAPJS|NODE_OPTIONS$|LE_)/.test(name))
  return { ...Object.fromEntries(own), _TAPJS_PROCESSINFO_COVERAGE_: '0' }
}
