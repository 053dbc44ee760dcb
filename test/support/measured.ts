import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { LeAuthOptions } from '../../lib/index.js'
import { optionsFor } from './app.js'
import { Browser } from './browser.js'
import type { Measured } from './measured-app.js'
import { TYPESCRIPT } from './node.js'
import type { Stage } from './stage.js'

const PROGRAM = fileURLToPath(new URL('measured-app.ts', import.meta.url))
/** On a busy machine. */
const ANSWERS_WITHIN = 60_000

/** An app in a process of its own: what a test does to it shows in no other memory. */
export interface MeasuredApp {
  server: string
  browser: () => Browser
  url: (path: string) => string
  measure: () => Promise<Measured>
  /** What it has printed. */
  output: () => string
}

/** Starts an app beside the one of the stage, on the same Sentinel, and ends it with the test. An uncaught error in it fails the test. */
export async function startMeasuredApp (t: Test, { sentinel, origin, redirectUri }: Stage, options: LeAuthOptions = {}): Promise<MeasuredApp> {
  const settings = JSON.stringify({ ...optionsFor(sentinel, redirectUri), ...options })
  const child = spawn(process.execPath, ['--expose-gc', ...TYPESCRIPT, PROGRAM, settings], { env: environment(), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  let output = ''
  child.stdout!.on('data', data => { output += data })
  child.stderr!.on('data', data => { output += data })
  const exited = once(child, 'exit')
  let isOver = false
  t.teardown(() => { isOver = true; child.kill('SIGKILL'); return exited })
  exited.then(([code, signal]) => { if (!isOver) t.fail(`the app ended with ${code ?? signal}:\n${output}`) }, () => {})

  const message = async (): Promise<any> => (await once(child, 'message', { signal: AbortSignal.timeout(ANSWERS_WITHIN) }))[0]
  const { address } = await message()
  return {
    server: address,
    browser: () => new Browser({ [origin]: address }),
    url: path => origin + path,
    async measure () {
      const measured = message()
      child.send('measure')
      return measured
    },
    output: () => output
  }
}

/** Runs work so many times, some of it at a time. */
export async function flood (times: number, atOnce: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < times) await work(next++)
  }))
}

/** The environment without what belongs to tap or to a developer's own account. */
function environment (): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(TAP|_TAPJS|NODE_OPTIONS$|LE_)/.test(name))
  return { ...Object.fromEntries(own), _TAPJS_PROCESSINFO_COVERAGE_: '0' }
}
