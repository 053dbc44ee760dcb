import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LeAuthOptions } from 'fastify-le-auth'
import { CLOSE_WITHIN } from './settings.js'

/** The variable in which the first process hands the options for its emulator to the instances. */
const HANDED_DOWN = 'NORTHDESK_LE_AUTH'
/** What the first process says to an instance that is to end. */
const STOP = 'stop'
/** How long after its end an instance is replaced, in ms. */
const REPLACED_AFTER = 1000
const MINUTE = 60_000
/** How many ends a minute, for each instance, are replaced: more, and another replacement would not help. */
const MOST_ENDS = 3
/** How long an instance may take to end, in ms: more than it gives to the requests it is answering. */
const ENDED_BY_FORCE_AFTER = CLOSE_WITHIN + 1000

/** The signals that end a server. In an instance only {@link onStop} may listen to them. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Processes that answer at one port, led by this one. */
export interface Instances {
  /** Their process ids. */
  pids: number[]
  /** Resolves when all have ended: well, or after a while by force. */
  stop: () => Promise<void>
}

/**
 * Starts as many instances, and replaces the ones that end. Each is this program again, as a worker of Node's cluster,
 * which hands new connections to them in turn.
 *
 * @throws Error what an instance said that could not start
 */
export async function startInstances (count: number, leAuth: LeAuthOptions): Promise<Instances> {
  const start = (): Worker => cluster.fork({ [HANDED_DOWN]: JSON.stringify(leAuth) })
  const countEnd = createCounter()
  let isStopping = false

  cluster.on('exit', ({ id }, code, signal) => {
    if (isStopping) return
    const ends = countEnd()
    if (ends > MOST_ENDS * count) return giveUp(ends)
    setTimeout(() => { if (!isStopping) replace(id, signal ?? code) }, REPLACED_AFTER)
  })

  function replace (id: number, end: string | number): void {
    const worker = start()
    console.error(`  Instance ${id} has ended (${end}). Instance ${worker.id}, process ${worker.process.pid}, takes its place.`)
    listening(worker).catch((error: Error) => console.error(`  Instance ${worker.id} cannot start. ${error.message}`))
  }

  function giveUp (ends: number): void {
    console.error(`\n  Northdesk gives up. Its instances ended ${ends} times within a minute, and the lines above may say why.\n`)
    stop().finally(() => process.exit(1))
  }

  async function stop (): Promise<void> {
    isStopping = true
    await endAll(Object.values(cluster.workers!).filter(worker => worker !== undefined))
  }

  const workers = Array.from({ length: count }, start)
  await Promise.all(workers.map(listening))
  return { pids: workers.map(({ process: { pid } }) => pid!), stop }
}

/** Says that there are several instances, and how to see it; nothing where there is one. */
export function instancesWelcome (pids: number[]): string {
  if (pids.length === 1) return ''
  return `
  ${pids.length} instances answer in turn, and the header x-instance says which one did.
  Their processes are ${pids.join(', ')}: end one, and it is replaced.
`
}

/** The options that the first process has handed to this instance. */
export function handedDown (): LeAuthOptions {
  return JSON.parse(process.env[HANDED_DOWN] ?? '{}')
}

/** Tells the first process why this instance ends: it says so once for all of them. */
export function endUnstarted (why: string): void {
  process.send!(why, () => process.exit(1))
}

/** Calls once, when the first process or a signal says so: Ctrl-C in a terminal reaches this process in both ways. */
export function onStop (stop: () => void): void {
  let isTold = false
  const tell = (): void => {
    if (!isTold) stop()
    isTold = true
  }
  process.on('message', message => { if (message === STOP) tell() })
  for (const signal of STOP_SIGNALS) process.on(signal, tell)
}

/** Lets a curious developer see which instance answered. */
export async function nameInstance (_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('x-instance', cluster.worker!.id)
}

/** Counts what happens: each call is one more, and tells how many there were within the last minute. */
function createCounter (): () => number {
  let times: number[] = []
  return () => {
    times = [...times.filter(time => time > Date.now() - MINUTE), Date.now()]
    return times.length
  }
}

/** @throws Error what the instance said when it could not start */
function listening (worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('listening', () => resolve())
    worker.once('message', why => reject(new Error(String(why))))
    // Unlike its exit this comes after its last message.
    worker.once('disconnect', () => reject(new Error(`Instance ${worker.id} ended before it could answer.`)))
  })
}

async function endAll (workers: Worker[]): Promise<void> {
  const living = workers.filter(worker => !worker.isDead())
  const ended = living.map(worker => once(worker, 'exit'))
  // An instance that has just ended takes no message, which is no error here.
  for (const worker of living) worker.send(STOP, () => {})
  const force = setTimeout(() => { for (const worker of living) worker.process.kill('SIGKILL') }, ENDED_BY_FORCE_AFTER)
  await Promise.all(ended)
  clearTimeout(force)
}
