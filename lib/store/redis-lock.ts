import { setTimeout as wait } from 'node:timers/promises'
import { Mutex } from 'redis-semaphore'
import { leAuthError } from '../errors.ts'
import type { Lock } from './lock.ts'
import { STORE_DEADLINE } from './store-call.ts'

/**
 * A client of the package `redis`, made by `createClient`, `createClientPool`, `createCluster` or
 * `createSentinel`. Only commands with names are the same for all of them.
 */
interface NodeRedisClient {
  eval: (script: string, parameters: ScriptParameters) => Promise<unknown>
  evalSha: (sha1: string, parameters: ScriptParameters) => Promise<unknown>
}

interface ScriptParameters {
  keys: string[]
  arguments: string[]
}

/** A client of `ioredis`, a `Redis` or a `Cluster`. */
interface IoredisClient {
  call: (command: string, ...parameters: string[]) => Promise<unknown>
}

/** A client of the package `redis` or `ioredis`, also for a cluster or with sentinels. */
export type RedisLockClient = NodeRedisClient | IoredisClient

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

/** SET is a script too, because its options have other names in each major of `redis`. */
const SET_IF_FREE = "return redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')"
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

/** Runs a script that takes one key. */
type RunScript = (
  command: 'EVAL' | 'EVALSHA',
  script: string,
  key: string,
  parameters: string[]
) => Promise<unknown>

/** What redis-semaphore calls, named as in ioredis, for either kind of client. */
function mutexClient(client: RedisLockClient): MutexClient {
  const run = scriptRunner(client)
  const runQuietly: RunScript = (...script) => run(...script).catch(ignoreFailure)
  return {
    set: (key: string, holder: string, _px: 'PX', lease: number) =>
      run('EVAL', SET_IF_FREE, key, [holder, String(lease)]),
    evalsha: (sha1: string, _count: 1, key: string, ...parameters: unknown[]) =>
      runQuietly('EVALSHA', sha1, key, parameters.map(String)),
    eval: (script: string, _count: 1, key: string, ...parameters: unknown[]) =>
      runQuietly('EVAL', script, key, parameters.map(String))
  } as unknown as MutexClient
}

/** @throws LE_AUTH_OPTIONS_INVALID */
function scriptRunner(client: RedisLockClient): RunScript {
  if (has(client, 'call')) {
    return async (command, script, key, parameters) =>
      withDeadline(client.call(command, script, '1', key, ...parameters))
  }
  if (has(client, 'eval') && has(client, 'evalSha')) {
    return async (command, script, key, parameters) => {
      const method = command === 'EVAL' ? 'eval' : 'evalSha'
      return withDeadline(client[method](script, { keys: [key], arguments: parameters }))
    }
  }
  throw invalid('redisLock takes a connected client of the package redis or ioredis')
}

function has<Name extends string>(
  client: object | null | undefined,
  name: Name
): client is Record<Name, (...parameters: any[]) => Promise<unknown>> {
  return typeof (client as Record<string, unknown> | null | undefined)?.[name] === 'function'
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
