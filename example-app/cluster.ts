import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LeAuthOptions } from 'fastify-le-auth'
import { CLOSE_WITHIN } from './settings.ts'

/** The variable in which the main process passes the options for its emulator to the others. */
const OPTIONS_VARIABLE = 'NORTHDESK_LE_AUTH'
/** The message with which the main process stops another. */
const STOP = 'stop'
/** The pause before an ended process is replaced, in ms. */
const REPLACE_AFTER = 1000
const MINUTE = 60_000
/**
 * How many ends per minute and process are accepted. If there are more, replacing processes does
 * not help, and the app stops.
 */
const MAX_ENDS = 3
/** How long a process may take to end, in ms: longer than it waits for its requests in progress. */
const KILL_AFTER = CLOSE_WITHIN + 1000

/** The signals that stop a server. In a worker only {@link onStop} may listen to them. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Worker processes on one port, managed by this process. */
export interface Workers {
  /** Their process ids. */
  pids: number[]
  /** Resolves when all have ended. Those that do not end in time are killed. */
  stop: () => Promise<void>
}

/**
 * Starts `count` workers of Node's cluster and replaces those that end. Each worker runs this same
 * program. The cluster gives each new connection to the next worker.
 *
 * @throws Error with the message of a worker that cannot start
 */
export async function startWorkers(count: number, leAuth: LeAuthOptions): Promise<Workers> {
  const start = (): Worker => cluster.fork({ [OPTIONS_VARIABLE]: JSON.stringify(leAuth) })
  const countEnd = createCounter()
  let isStopping = false

  cluster.on('exit', ({ id }, code, signal) => {
    if (isStopping) return
    const ends = countEnd()
    if (ends > MAX_ENDS * count) return giveUp(ends)
    setTimeout(() => {
      if (!isStopping) replace(id, signal ?? code)
    }, REPLACE_AFTER)
  })

  function replace(id: number, end: string | number): void {
    reportReplacement(`${id} has ended (${end})`, start())
  }

  function giveUp(ends: number): void {
    console.error(
      `\n  Northdesk gives up. Its processes ended ${ends} times within a minute. ` +
        'The lines above may say why.\n'
    )
    stop().finally(() => process.exit(1))
  }

  async function stop(): Promise<void> {
    isStopping = true
    await endAll(Object.values(cluster.workers!).filter(worker => worker !== undefined))
  }

  const workers = Array.from({ length: count }, start)
  await Promise.all(workers.map(listening))
  return { pids: workers.map(({ process: { pid } }) => pid!), stop }
}

function reportReplacement(end: string, worker: Worker): void {
  const { id, process } = worker
  console.error(`  Process ${end}. Process ${id} (pid ${process.pid}) takes its place.`)
  listening(worker).catch(({ message }: Error) => {
    console.error(`  Process ${id} cannot start. ${message}`)
  })
}

/** Tells the console about several processes. Empty if there is only one. */
export function workersWelcome(pids: number[]): string {
  if (pids.length === 1) return ''
  return `
  ${pids.length} processes respond in turn. The header x-instance says which one did.
  Their process ids are ${pids.join(', ')}: end one, and it is replaced.
`
}

/** The options that the main process passed to this worker. */
export function optionsFromMain(): LeAuthOptions {
  return JSON.parse(process.env[OPTIONS_VARIABLE] ?? '{}')
}

/** Tells the main process why this worker cannot start. The main process prints it once for all. */
export function reportFailedStart(why: string): void {
  process.send!(why, () => process.exit(1))
}

/** Calls `stop` once, on the main process's message or on a signal. Ctrl-C causes both. */
export function onStop(stop: () => void): void {
  let isStopping = false
  const stopOnce = (): void => {
    if (!isStopping) stop()
    isStopping = true
  }
  process.on('message', message => {
    if (message === STOP) stopOnce()
  })
  for (const signal of STOP_SIGNALS) process.on(signal, stopOnce)
}

/** Shows which worker responded. */
export async function addInstanceHeader(
  _request: FastifyRequest,
  reply: FastifyReply
): Promise<void> {
  reply.header('x-instance', cluster.worker!.id)
}

/** Each call counts one event and returns the number of events within the last minute. */
function createCounter(): () => number {
  let times: number[] = []
  return () => {
    times = [...times.filter(time => time > Date.now() - MINUTE), Date.now()]
    return times.length
  }
}

/** @throws Error with the worker's message if it cannot start */
function listening(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('listening', () => resolve())
    worker.once('message', why => reject(new Error(String(why))))
    // Unlike 'exit', 'disconnect' comes after the last message.
    worker.once('disconnect', () => {
      reject(new Error(`Process ${worker.id} ended before it was ready.`))
    })
  })
}

async function endAll(workers: Worker[]): Promise<void> {
  const living = workers.filter(worker => !worker.isDead())
  const ended = living.map(worker => once(worker, 'exit'))
  // Sending fails if a worker has just ended. That is not an error here.
  for (const worker of living) worker.send(STOP, () => {})
  const killAll = (): void => {
    for (const worker of living) worker.process.kill('SIGKILL')
  }
  const force = setTimeout(killAll, KILL_AFTER)
  await Promise.all(ended)
  clearTimeout(force)
}
