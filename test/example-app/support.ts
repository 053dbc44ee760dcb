import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { signIn } from '../support/app.js'
import { Browser, type Answer } from '../support/browser.js'
import { freePort } from '../support/ports.js'
import type { RedisServer } from '../support/redis.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Cold caches and a busy machine included. */
const SAID_WITHIN = 60_000

/** The example app in a process of its own. */
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

/** Starts the example app as `npm start` does, with no LE_* variable but the given ones, and ends it with the test. */
export function startExample (t: Test, variables: Record<string, string>): ExampleProcess {
  const child = spawn('node_modules/.bin/tsx', ['example-app/server.ts'], { cwd: ROOT, env: { ...environment(), ...variables } })
  let output = ''
  child.stdout.on('data', data => { output += data })
  child.stderr.on('data', data => { output += data })
  const exited = new Promise<number | null>(resolve => { child.once('exit', code => resolve(code)) })
  t.teardown(() => { child.kill('SIGTERM'); return exited })

  async function says (words: RegExp): Promise<RegExpExecArray> {
    const end = Date.now() + SAID_WITHIN
    for (;;) {
      const found = words.exec(output)
      if (found !== null) return found
      if (child.exitCode !== null || Date.now() > end) throw new Error(`the example app did not say ${words}:\n${output}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  const address = async (): Promise<string> => (await says(/open (http:\S+)/))[1]!
  return { output: () => output, exited, address, says, stop: signal => child.kill(signal) }
}

/** The example app as several processes. */
export interface Fleet extends ExampleProcess {
  origin: string
  /** The processes that answered at first. */
  pids: () => Promise<number[]>
  browser: () => Browser
  /** How many requests for a path have reached the instances, by their log. */
  requests: (path: string) => number
  /** Begins at a protected page, and ends there, logged in. */
  logIn: (browser: Browser) => Promise<Answer>
}

/** Starts the example app as several processes, to be asked on a new connection each time: the next process has that. */
export async function startFleet (t: Test, redis: RedisServer, instances: number): Promise<Fleet> {
  const usual = getGlobalDispatcher()
  setGlobalDispatcher(new Agent({ pipelining: 0 }))
  t.teardown(() => setGlobalDispatcher(usual))
  const port = await freePort()
  const example = startExample(t, { PORT: String(port), INSTANCES: String(instances), REDIS_URL: redis.url, LOG_LEVEL: 'info' })
  const origin = await example.address()
  return {
    ...example,
    origin,
    pids: async () => (await example.says(/Their processes are ([\d, ]+):/))[1]!.split(', ').map(Number),
    browser: () => new Browser({ [origin]: `http://127.0.0.1:${port}` }),
    requests: path => example.output().split('\n').filter(line => line.includes('"incoming request"') && line.includes(`"url":"${path}"`)).length,
    logIn: async browser => signIn(browser, await browser.navigate(`${origin}/agents`), 'maya.osei')
  }
}

/** The environment without what belongs to tap, and with empty LE_* variables: a developer's own .env must not win. */
function environment (): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(TAP|_TAPJS|NODE_OPTIONS$|LE_|PORT$|HOST$|SENTINEL_PORT$|LOG_LEVEL$|TRUST_PROXY$|INSTANCES$|REDIS_URL$)/.test(name))
  const empty = ['LE_ACCOUNT_ID', 'LE_CLIENT_ID', 'LE_CLIENT_SECRET', 'LE_REDIRECT_URI', 'LE_AUTH_SECRET', 'HOST', 'SENTINEL_PORT', 'LOG_LEVEL', 'TRUST_PROXY', 'INSTANCES', 'REDIS_URL']
  // tsx compiles lib/ its own way, and tap would add up lines that do not match.
  return { ...Object.fromEntries(own), ...Object.fromEntries(empty.map(name => [name, ''])), _TAPJS_PROCESSINFO_COVERAGE_: '0' }
}
