// Starts processes on a core and ends them. Ends only processes that were started here.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { LOAD_CORE, onCore } from './cores.mjs'

const running = new Set()
const KILL_AFTER = 3000

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** Starts a process. `child.output` and `child.errors` are its last output. */
export function start(core, command, args, { cwd, env = {}, ipc = false } = {}) {
  const child = spawn(...onCore(core, command, args), {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])]
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.output = child.errors = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    child.output = (child.output + text).slice(-100_000)
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    child.errors = (child.errors + text).slice(-4000)
  })
  return child
}

export function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null
}

export async function stop(child) {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const inTime = await Promise.race([ended, sleep(KILL_AFTER, null, { ref: false })])
  if (inTime === null) child.kill('SIGKILL')
  await ended
}

/** Runs a command on the load's core until it ends, and returns what it printed. */
export async function run(command, args, withinMs) {
  const child = start(LOAD_CORE, command, args)
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${child.errors.slice(0, 500)}`)
  return child.output
}
