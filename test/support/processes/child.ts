import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** The arguments with which another Node.js runs TypeScript as the tests do. */
export const TYPESCRIPT = ['--import', new URL('../../typescript.js', import.meta.url).href]

/** How long a process may take to respond, when several start at once on a busy machine, in ms. */
const RESPONDS_WITHIN = 60_000

/** A test app in another process. */
export interface AppProcess {
  /** The URL where it listens. */
  server: string
  /** What it has printed, on both streams. */
  output: () => string
  isAlive: () => boolean
  /** Sends it a message, and returns its next one. @throws Error if it ends before that */
  call: (message: unknown) => Promise<any>
  /** Ends it, waits until it has ended, and returns its exit code or the signal. */
  end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<number | string>
  /** Its exit code, or the signal, once it has ended. */
  exited: Promise<number | string>
}

/**
 * Starts a program of this folder that sends `{ address }` once it listens, and ends it with the
 * test.
 *
 * @param settings what the program reads from its first argument, as JSON
 */
export async function startAppProcess(
  t: Test,
  program: string,
  settings: unknown,
  nodeArguments: string[] = []
): Promise<AppProcess> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const args = [...nodeArguments, ...TYPESCRIPT, path, JSON.stringify(settings)]
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'ipc']
  const child = spawn(process.execPath, args, { env: environment(), stdio })
  const exited = once(child, 'exit').then(([code, signal]): number | string => code ?? signal)
  t.teardown(() => {
    child.kill('SIGKILL')
    return exited
  })
  let output = ''
  child.stdout!.on('data', data => {
    output += data
  })
  child.stderr!.on('data', data => {
    output += data
  })
  const ended = exited.then(code => {
    throw new Error(`the process ended with ${code}:\n${output}`)
  })
  ended.catch(() => {})

  const nextMessage = async (): Promise<any> => {
    const message = once(child, 'message', { signal: AbortSignal.timeout(RESPONDS_WITHIN) })
    return (await Promise.race([message, ended]))[0]
  }
  const { address } = await nextMessage()
  return {
    server: address,
    output: () => output,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    call(message) {
      const reply = nextMessage()
      child.send(message as object)
      return reply
    },
    async end(signal) {
      child.kill(signal)
      return exited
    },
    exited
  }
}

/** The environment without the variables of tap and of a developer's own account. */
function environment(): NodeJS.ProcessEnv {
  const isForeign = /^(TAP|_TAPJS|NODE_OPTIONS$|LE_)/
  const own = Object.entries(process.env).filter(([name]) => !isForeign.test(name))
  return { ...Object.fromEntries(own), _TAPJS_PROCESSINFO_COVERAGE_: '0' }
}
