import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Cold caches and a busy machine included. */
const STARTED_WITHIN = 30_000

/** The example app in a process of its own. */
export interface ExampleProcess {
  /** What it has printed, on both streams. */
  output: () => string
  /** Its exit code, once it has ended by itself. */
  exited: Promise<number | null>
  /** The address it says to open. @throws Error when it does not start */
  address: () => Promise<string>
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

  async function address (): Promise<string> {
    const end = Date.now() + STARTED_WITHIN
    for (;;) {
      const found = /open (http:\S+)/.exec(output)?.[1]
      if (found !== undefined) return found
      if (child.exitCode !== null || Date.now() > end) throw new Error(`the example app did not start:\n${output}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  return { output: () => output, exited, address, stop: signal => child.kill(signal) }
}

/** The environment without what belongs to tap, and with empty LE_* variables: a developer's own .env must not win. */
function environment (): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(TAP|_TAPJS|NODE_OPTIONS$|LE_|PORT$|HOST$|SENTINEL_PORT$|LOG_LEVEL$|TRUST_PROXY$)/.test(name))
  const empty = ['LE_ACCOUNT_ID', 'LE_CLIENT_ID', 'LE_CLIENT_SECRET', 'LE_REDIRECT_URI', 'LE_AUTH_SECRET', 'HOST', 'SENTINEL_PORT', 'LOG_LEVEL', 'TRUST_PROXY']
  // tsx compiles lib/ its own way, and tap would add up lines that do not match.
  return { ...Object.fromEntries(own), ...Object.fromEntries(empty.map(name => [name, ''])), _TAPJS_PROCESSINFO_COVERAGE_: '0' }
}
