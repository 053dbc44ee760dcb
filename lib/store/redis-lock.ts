import { setTimeout as wait } from 'node:timers/promises'
import { Mutex } from 'redis-semaphore'
import { leAuthError } from '../errors.ts'
import type { Lock } from './lock.ts'
import { STORE_DEADLINE } from './store-call.ts'

/** A client of the package `redis` or `ioredis`: anything that sends a command. */
export type RedisLockClient =
  | { sendCommand: (command: string[]) => Promise<unknown> }
  | { call: (command: string, ...parameters: string[]) => Promise<unknown> }

/** Settings of the lock. */
export interface RedisLockOptions {
  /**
   * How long a lock stays taken after its process has died, in ms. A running process renews it long
   * before that.
   * @default 10000
   */
  lease?: number | undefined
  /**
   * How long to wait for another process to release the lock, in ms; longer than `httpTimeout`.
   * @default 15000
   */
  wait?: number | undefined
}

/** How often a waiting process tries, in ms: a refresh takes a few hundred. */
const RETRY_INTERVAL = 50
/**
 * How often a lease is renewed while it lasts: it outlives a few renewals that are slow or fail.
 */
const RENEWALS = 5
/** How long a release may take, in ms: nobody has to wait for a Redis that does not respond. */
const RELEASE_DEADLINE = 500

/**
 * A lock in Redis, on the optional peer `redis-semaphore`, for processes that share `store`. Its
 * keys are `mutex:` and the id.
 *
 * @param client the app's own connected client; the app closes it
 * @throws LE_AUTH_OPTIONS_INVALID
 */
export function redisLock(client: RedisLockClient, options: RedisLockOptions = {}): Lock {
  const { lease = 10_000, wait: acquireTimeout = 15_000 } = options
  checkTimes({ lease, wait: acquireTimeout })
  const commands = mutexClient(client)
  return {
    async acquire(id) {
      const mutex = new Mutex(commands, id, {
        lockTimeout: lease,
        acquireTimeout,
        retryInterval: RETRY_INTERVAL,
        refreshInterval: Math.ceil(lease / RENEWALS),
        // The default throws in a timer, which would end the process. The work goes on instead.
        onLockLost: () => {}
      })
      await mutex.acquire()
      const deadline = (): Promise<void> => wait(RELEASE_DEADLINE, undefined, { ref: false })
      return { release: () => Promise.race([mutex.release(), deadline()]) }
    }
  }
}

function checkTimes(times: Record<string, number>): void {
  for (const [name, time] of Object.entries(times)) {
    if (Number.isSafeInteger(time) && time > 0) continue
    throw invalid(`redisLock: ${name} must be a time in ms: a whole number of 1 or more`)
  }
}

type MutexClient = ConstructorParameters<typeof Mutex>[0]

/** What redis-semaphore calls, named as in ioredis, for either kind of client. */
function mutexClient(client: RedisLockClient): MutexClient {
  const { call, sendCommand } = (client ?? {}) as { call?: unknown; sendCommand?: unknown }
  if (typeof call !== 'function' && typeof sendCommand !== 'function') {
    throw invalid('redisLock takes a connected client of the package redis or ioredis')
  }
  const send = async (command: string, ...parameters: unknown[]): Promise<unknown> => {
    const texts = parameters.map(String)
    const response =
      'call' in client ? client.call(command, ...texts) : client.sendCommand([command, ...texts])
    return withDeadline(response)
  }
  return {
    set: (...parameters: unknown[]) => send('SET', ...parameters),
    evalsha: (...parameters: unknown[]) => send('EVALSHA', ...parameters).catch(ignoreFailure),
    eval: (...parameters: unknown[]) => send('EVAL', ...parameters).catch(ignoreFailure)
  } as unknown as MutexClient
}

/**
 * redis-semaphore renews a lease in a timer that catches nothing. If a renewal fails, the next one
 * finds out whether the lock is lost.
 */
function ignoreFailure(error: unknown): number {
  if (String(error).includes('NOSCRIPT')) throw error
  return 1
}

/** A client on a connection that does not respond would wait for ever. */
async function withDeadline<Response>(response: Promise<Response>): Promise<Response> {
  let timer: NodeJS.Timeout
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('Redis did not respond')), STORE_DEADLINE)
  })
  return Promise.race([response, deadline]).finally(() => clearTimeout(timer))
}

function invalid(problem: string): Error {
  return leAuthError('LE_AUTH_OPTIONS_INVALID', { problem: `\n- ${problem}` })
}
