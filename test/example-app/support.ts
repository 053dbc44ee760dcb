import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import northdesk from '../../example-app/app.ts'
import { startEmulator } from '../../example-app/emulator.ts'
import type { SentinelEmulator } from '../../lib/emulator/index.ts'
import type { LeAuthOptions } from '../../lib/index.ts'
import { type PageResponse, Browser } from '../support/browser.ts'
import { signIn } from '../support/login.ts'
import { TYPESCRIPT } from '../support/processes/child.ts'
import type { RedisServer } from '../support/redis.ts'
import { freePort } from '../support/servers.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const COMMAND = [process.execPath, ...TYPESCRIPT, 'example-app/server.ts']

/**
 * How long the example app may take to print a line, with cold caches and on a busy machine, in ms.
 */
const SAID_WITHIN = 60_000

/** The example app in this process, where its emulator can be made to fail. */
export interface Example {
  sentinel: SentinelEmulator
  browser: Browser
  /** The public address of a path. */
  url: (path: string) => string
  open: (path: string) => Promise<PageResponse>
}

interface ExampleSetting {
  /** Options that override those for the emulator. */
  options?: LeAuthOptions
  /** Runs after the app is registered, in its scope. */
  after?: (app: FastifyInstance) => void
}

/** Starts the example app in this process, and closes it with the test. */
export async function openExample(
  t: Test,
  { options, after }: ExampleSetting = {}
): Promise<Example> {
  const { emulator: sentinel, leAuth } = await startEmulator(3000, 0)
  t.teardown(() => sentinel.close())
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(async scope => {
    await northdesk(scope, { leAuth: { ...leAuth, ...options } })
    after?.(scope)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const origin = 'http://localhost:3000'
  const browser = new Browser({
    [origin]: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  })
  const url = (path: string): string => origin + path
  return { sentinel, browser, url, open: path => browser.navigate(url(path)) }
}

/** The example app in its own process. */
export interface ExampleProcess {
  /** What it has printed, on both streams. */
  output: () => string
  /** Its exit code, once it has ended by itself. */
  exited: Promise<number | null>
  /** The address it says to open. @throws Error when it does not start */
  address: () => Promise<string>
  /** Waits for words on either stream. @throws Error when they do not come */
  says: (words: RegExp) => Promise<RegExpExecArray>
  stop: (signal: NodeJS.Signals) => void
}

/** Starts the example app with no LE_* variable but the given ones, and ends it with the test. */
export function startExample(
  t: Test,
  variables: Record<string, string>,
  [program, ...args] = COMMAND
): ExampleProcess {
  const child = spawn(program!, args, { cwd: ROOT, env: { ...environment(), ...variables } })
  let output = ''
  child.stdout.on('data', data => {
    output += data
  })
  child.stderr.on('data', data => {
    output += data
  })
  const exited = new Promise<number | null>(resolve => {
    child.once('exit', code => resolve(code))
  })
  t.teardown(() => {
    child.kill('SIGTERM')
    return exited
  })

  async function says(words: RegExp): Promise<RegExpExecArray> {
    const end = Date.now() + SAID_WITHIN
    for (;;) {
      const found = words.exec(output)
      if (found !== null) return found
      if (child.exitCode !== null || Date.now() > end) {
        throw new Error(`the example app did not say ${words}:\n${output}`)
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  const address = async (): Promise<string> => (await says(/open (http:\S+)/))[1]!
  return { output: () => output, exited, address, says, stop: signal => child.kill(signal) }
}

/**
 * A module that a process of the example app loads first. Its clock is as far ahead as a file says.
 */
const SHIFTED_CLOCK = `import { readFileSync } from 'node:fs'
const { now } = Date
Date.now = () => now() + Number(readFileSync(new URL('ahead', import.meta.url), 'utf8'))
`

/** The clock of processes that start with these variables, the emulator's as well. */
interface SharedClock {
  variables: Record<string, string>
  /** Sets it this much ahead of the real time, in ms. */
  setAhead: (ms: number) => void
}

function sharedClock(t: Test): SharedClock {
  const directory = t.testdir({ 'clock.mjs': SHIFTED_CLOCK, ahead: '0' })
  return {
    variables: { NODE_OPTIONS: `--import=${pathToFileURL(join(directory, 'clock.mjs')).href}` },
    setAhead: ms => writeFileSync(join(directory, 'ahead'), String(ms))
  }
}

/** The example app as several processes. */
export interface Fleet extends ExampleProcess {
  /** Sets the clock of all processes this much ahead, in ms. */
  setAhead: (ms: number) => void
  origin: string
  /** The ids of the processes at the start. */
  pids: () => Promise<number[]>
  browser: () => Browser
  /** How many requests for a path have reached the processes, by their log. */
  requests: (path: string) => number
  /** Opens a protected page, logs in, and returns to that page. */
  logIn: (browser: Browser) => Promise<PageResponse>
}

/**
 * Starts the example app as several processes. Each request has a new connection, which goes to the
 * next process.
 */
export async function startFleet(t: Test, redis: RedisServer, instances: number): Promise<Fleet> {
  const usual = getGlobalDispatcher()
  setGlobalDispatcher(new Agent({ pipelining: 0 }))
  t.teardown(() => setGlobalDispatcher(usual))
  const port = await freePort()
  const { variables, setAhead } = sharedClock(t)
  const example = startExample(t, {
    ...variables,
    PORT: String(port),
    INSTANCES: String(instances),
    REDIS_URL: redis.url,
    LOG_LEVEL: 'info'
  })
  const origin = await example.address()
  return {
    ...example,
    setAhead,
    origin,
    pids: async () =>
      (await example.says(/Their process ids are ([\d, ]+):/))[1]!.split(', ').map(Number),
    browser: () => new Browser({ [origin]: `http://127.0.0.1:${port}` }),
    requests: path =>
      example
        .output()
        .split('\n')
        .filter(line => line.includes('"incoming request"') && line.includes(`"url":"${path}"`))
        .length,
    logIn: async browser => signIn(browser, await browser.navigate(`${origin}/agents`), 'maya.osei')
  }
}

/**
 * The environment without the variables of tap, and with empty LE_* variables: a developer's own
 * .env must not win.
 */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) =>
      !/^(TAP|_TAPJS|NODE_OPTIONS$|LE_|PORT$|HOST$|SENTINEL_PORT$|LOG_LEVEL$|TRUST_PROXY$|INSTANCES$|REDIS_URL$)/.test(
        name
      )
  )
  const empty = [
    'LE_ACCOUNT_ID',
    'LE_CLIENT_ID',
    'LE_CLIENT_SECRET',
    'LE_REDIRECT_URI',
    'LE_AUTH_SECRET',
    'HOST',
    'SENTINEL_PORT',
    'LOG_LEVEL',
    'TRUST_PROXY',
    'INSTANCES',
    'REDIS_URL'
  ]
  return {
    ...Object.fromEntries(own),
    ...Object.fromEntries(empty.map(name => [name, ''])),
    _TAPJS_PROCESSINFO_COVERAGE_: '0'
  }
}
