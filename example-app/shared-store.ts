import { setTimeout as wait } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import type { LeAuthOptions } from 'fastify-le-auth'
import { redisRefreshLock } from 'fastify-le-auth/redis-refresh-lock'
import { createClient } from 'redis'
import { REDIS_URL_FORM, SettingsError } from './settings.js'

/** How long Redis may take to answer when the app starts, in ms. */
const ANSWERS_WITHIN = 3000
/** The longest pause between two tries to reach a Redis that went away, in ms. */
const RECONNECTS_WITHIN = 2000

/** What processes share, on one connection to Redis. */
export interface SharedStore {
  /** The options for fastify-le-auth that it needs. */
  leAuth: Pick<LeAuthOptions, 'session' | 'refreshLock'>
  /** Closes the connection, when nobody needs the store any more. */
  close: () => Promise<void>
}

interface Log {
  error: (facts: object, message: string) => void
  warn: (facts: object, message: string) => void
}

type Client = ReturnType<typeof createClient>

/** @throws SettingsError when Redis does not answer; it says nothing of the address, which may hold a password */
export async function connectSharedStore (url: string, log: Log): Promise<SharedStore> {
  const client = await connect(url, log)
  return {
    leAuth: { session: { store: new RedisStore({ client, prefix: 'northdesk:' }) }, refreshLock: redisRefreshLock(client) },
    close: async () => close(client)
  }
}

/** Tells a wrong address once, before several processes would. @throws SettingsError */
export async function checkSharedStore (url: string): Promise<void> {
  const { close } = await connectSharedStore(url, console)
  await close()
}

async function connect (url: string, log: Log): Promise<Client> {
  let isConnected = false
  const client = clientOf(url, () => isConnected)
  logOutages(client, log, () => isConnected)
  try {
    await Promise.race([client.connect().then(() => client.ping()), tooLate()])
    isConnected = true
    return client
  } catch (error) {
    if (client.isOpen) client.destroy()
    throw new SettingsError(`REDIS_URL leads to no Redis that answers (${reasonOf(error as Error)}). ` +
      'Start Redis there, or correct REDIS_URL; .env.example explains it.')
  }
}

function clientOf (url: string, isConnected: () => boolean): Client {
  try {
    return createClient({
      url,
      // Without a connection a command fails at once: one that waits would hold up every request.
      disableOfflineQueue: true,
      // Nor does one that hangs keep its connection.
      pingInterval: ANSWERS_WITHIN / 3,
      socket: {
        connectTimeout: ANSWERS_WITHIN,
        socketTimeout: ANSWERS_WITHIN,
        // At the start a person waits for the answer; later Redis is waited for.
        reconnectStrategy: retries => isConnected() && Math.min(50 * 2 ** retries, RECONNECTS_WITHIN)
      }
    })
  } catch {
    throw new SettingsError(REDIS_URL_FORM)
  }
}

/** One line when Redis goes away, and one when it is back, however often is tried in between. */
function logOutages (client: Client, log: Log, isConnected: () => boolean): void {
  let isAway = false
  client.on('error', (error: Error) => {
    if (isAway || !isConnected()) return
    isAway = true
    log.error({ reason: reasonOf(error) }, 'Redis is away')
  })
  client.on('ready', () => {
    if (isAway) log.warn({}, 'Redis is back')
    isAway = false
  })
}

async function tooLate (): Promise<never> {
  await wait(ANSWERS_WITHIN, undefined, { ref: false })
  throw Object.assign(new Error(), { code: 'ETIMEDOUT' })
}

async function close (client: Client): Promise<void> {
  // A polite end waits for answers, and without a connection there are none.
  if (client.isReady) return client.close()
  if (client.isOpen) client.destroy()
}

/** A word that names no address: the system's code, or the capitals with which Redis begins a refusal. */
function reasonOf (error: Error & { code?: unknown }): string {
  if (typeof error.code === 'string') return error.code
  return /^[A-Z]{2,}\b/.exec(error.message)?.[0] ?? error.constructor.name
}
