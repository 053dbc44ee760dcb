import { setTimeout as wait } from 'node:timers/promises'
import { Mutex } from 'redis-semaphore'
import { leAuthError } from '../errors.js'
import { STORE_DEADLINE } from './store-call.js'
import type { RefreshLock } from './refresh-lock.js'

/** A client of the package `redis`, or of `ioredis`: something that sends a command. */
export type RedisLockClient =
  | { sendCommand: (command: string[]) => Promise<unknown> }
  | { call: (command: string, ...parameters: string[]) => Promise<unknown> }

/** Settings of the lock. */
export interface RedisRefreshLockOptions {
  /** How long a lock outlives a process that dies with it, in ms; it is renewed long before. @default 10000 */
  lease?: number | undefined
  /** How long to wait for another process to refresh, in ms. Longer than `httpTimeout`. @default 15000 */
  wait?: number | undefined
}

/** How often a waiting process looks, in ms: a refresh takes some hundred. */
const LOOK_EVERY = 50
/** How often a lease is renewed while it lasts: it outlives a few renewals that are slow or fail. */
const RENEWALS = 5
/** How long giving back may take, in ms: the command is on its way, and nobody waits for a Redis that is silent. */
const GIVEN_BACK_WITHIN = 500

/**
 * A refresh lock in Redis, on the optional peer `redis-semaphore`: for processes that share `session.store`. The lock of a
 * token set is the key `mutex:` and its id.
 *
 * @param client the app's own client, which stays the app's to close
 * @throws LE_AUTH_OPTIONS_INVALID
 */
export function redisRefreshLock (client: RedisLockClient, { lease = 10_000, wait: acquireTimeout = 15_000 }: RedisRefreshLockOptions = {}): RefreshLock {
  for (const [name, time] of Object.entries({ lease, wait: acquireTimeout })) {
    if (!Number.isSafeInteger(time) || time < 1) throw leAuthError('LE_AUTH_OPTIONS_INVALID', { detail: `- redisRefreshLock: ${name} must be a time in ms, a whole number from 1 up` })
  }
  const commands = mutexClient(client)
  return {
    async acquire (id) {
      const mutex = new Mutex(commands, id, {
        lockTimeout: lease,
        acquireTimeout,
        retryInterval: LOOK_EVERY,
        refreshInterval: Math.ceil(lease / RENEWALS),
        // The default throws out of a timer, which would end the process. What was begun under the lock is better finished.
        onLockLost: () => {}
      })
      await mutex.acquire()
      return { release: () => Promise.race([mutex.release(), wait(GIVEN_BACK_WITHIN, undefined, { ref: false })]) }
    }
  }
}

type MutexClient = ConstructorParameters<typeof Mutex>[0]

/** What redis-semaphore calls, in the words of ioredis, on either kind of client. */
function mutexClient (client: RedisLockClient): MutexClient {
  const { call, sendCommand } = (client ?? {}) as { call?: unknown, sendCommand?: unknown }
  if (typeof call !== 'function' && typeof sendCommand !== 'function') {
    throw leAuthError('LE_AUTH_OPTIONS_INVALID', { detail: '- redisRefreshLock takes a connected client of the package redis or ioredis' })
  }
  const send = async (command: string, ...parameters: unknown[]): Promise<unknown> => {
    const texts = parameters.map(String)
    return answered('call' in client ? client.call(command, ...texts) : client.sendCommand([command, ...texts]))
  }
  // redis-semaphore renews a lease in a timer that catches nothing. Where that fails, the next renewal tells whether the lock is lost.
  const script = (command: string) => (...parameters: unknown[]): Promise<unknown> =>
    send(command, ...parameters).catch((error: unknown) => { if (String(error).includes('NOSCRIPT')) throw error; return 1 })
  return {
    set: (...parameters: unknown[]) => send('SET', ...parameters),
    evalsha: script('EVALSHA'),
    eval: script('EVAL')
  } as unknown as MutexClient
}

/** A client on a connection that is silent waits for ever; whoever waits for the lock does so no longer than for a session store. */
async function answered<Answer> (answer: Promise<Answer>): Promise<Answer> {
  let deadline: NodeJS.Timeout
  const tooLate = new Promise<never>((_resolve, reject) => {
    deadline = setTimeout(() => reject(new Error('Redis does not answer')), STORE_DEADLINE)
  })
  return Promise.race([answer, tooLate]).finally(() => clearTimeout(deadline))
}
