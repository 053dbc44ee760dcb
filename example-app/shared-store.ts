import { setTimeout as wait } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import type { LeAuthOptions } from 'fastify-le-auth'
import { redisLock } from 'fastify-le-auth/redis-lock'
import { createClient } from 'redis'
import { REDIS_URL_FORM, SettingsError } from './settings.ts'

/** How long Redis may take to respond, in ms. */
const RESPONSE_TIMEOUT = 3000
/** The longest pause between two attempts to reconnect, in ms. */
const MAX_RECONNECT_PAUSE = 2000

/** What the processes share, over one connection to Redis. */
export interface SharedStore {
  /** The options for fastify-le-auth. */
  leAuth: Pick<LeAuthOptions, 'store' | 'lock'>
  /** Closes the connection. */
  close: () => Promise<void>
}

interface Log {
  error: (facts: object, message: string) => void
  warn: (facts: object, message: string) => void
}

type Client = ReturnType<typeof createClient>

/**
 * @throws SettingsError if Redis does not respond. The message never contains the address or its
 * password
 */
export async function connectSharedStore(url: string, log: Log): Promise<SharedStore> {
  const client = await connect(url, log)
  return {
    leAuth: { store: new RedisStore({ client, prefix: 'northdesk:' }), lock: redisLock(client) },
    close: async () => close(client)
  }
}

/** Reports a wrong address once, before each process does. @throws SettingsError */
export async function checkSharedStore(url: string): Promise<void> {
  const { close } = await connectSharedStore(url, console)
  await close()
}

async function connect(url: string, log: Log): Promise<Client> {
  let isConnected = false
  const client = clientOf(url, () => isConnected)
  logOutages(client, log, () => isConnected)
  try {
    await Promise.race([client.connect().then(() => client.ping()), failAfterTimeout()])
    isConnected = true
    return client
  } catch (error) {
    if (client.isOpen) client.destroy()
    throw new SettingsError(
      `Cannot connect to Redis at REDIS_URL (${reasonOf(error as Error)}). ` +
        'Start Redis there, or correct REDIS_URL. .env.example explains it.'
    )
  }
}

function clientOf(url: string, isConnected: () => boolean): Client {
  try {
    return createClient({
      url,
      // Without a connection, commands must fail at once. Otherwise every request would wait.
      disableOfflineQueue: true,
      // Ends a connection that hangs.
      pingInterval: RESPONSE_TIMEOUT / 3,
      socket: {
        connectTimeout: RESPONSE_TIMEOUT,
        socketTimeout: RESPONSE_TIMEOUT,
        // At start-up, fail at once. Later, wait until Redis is back.
        reconnectStrategy: retries =>
          isConnected() && Math.min(50 * 2 ** retries, MAX_RECONNECT_PAUSE)
      }
    })
  } catch {
    throw new SettingsError(REDIS_URL_FORM)
  }
}

/** Logs one line when the connection is lost and one when it is back, and no failed attempts. */
function logOutages(client: Client, log: Log, isConnected: () => boolean): void {
  let isAway = false
  client.on('error', (error: Error) => {
    if (isAway || !isConnected()) return
    isAway = true
    log.error({ reason: reasonOf(error) }, 'Redis connection lost')
  })
  client.on('ready', () => {
    if (isAway) log.warn({}, 'Redis connection is back')
    isAway = false
  })
}

async function failAfterTimeout(): Promise<never> {
  await wait(RESPONSE_TIMEOUT, undefined, { ref: false })
  throw Object.assign(new Error(), { code: 'ETIMEDOUT' })
}

async function close(client: Client): Promise<void> {
  // close() waits for responses, so it needs a connection.
  if (client.isReady) return client.close()
  if (client.isOpen) client.destroy()
}

/** The system's error code, or the first word of Redis's error. Never contains the address. */
function reasonOf(error: Error & { code?: unknown }): string {
  if (typeof error.code === 'string') return error.code
  return /^[A-Z]{2,}\b/.exec(error.message)?.[0] ?? error.constructor.name
}
