/** How long requests in progress may take when the server stops, in ms. */
export const CLOSE_WITHIN = 5000

/** The settings of the app, from environment variables. */
export interface Settings {
  port: number
  host: string
  /** The emulator's port. With 0 the system chooses one. */
  sentinelPort: number
  /** Addresses of the proxies whose X-Forwarded headers are trusted. */
  trustProxy: string
  logLevel: string
  /** Whether the emulator replaces LivePerson, because no LE_* variable is set. */
  emulated: boolean
  /** The number of processes that serve requests. */
  instances: number
  /** The Redis that stores the sessions. `null` stores them in the memory of one process. */
  redisUrl: string | null
}

/** A variable is missing or wrong. The message says what to do. */
export class SettingsError extends Error {}

const LIVEPERSON_VARIABLES = [
  'LE_ACCOUNT_ID',
  'LE_CLIENT_ID',
  'LE_CLIENT_SECRET',
  'LE_REDIRECT_URI',
  'LE_AUTH_SECRET'
]
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
/** More than any machine needs. A typing error must not start thousands. */
const MAX_INSTANCES = 64

/** Does not repeat the address, which may contain a password. */
export const REDIS_URL_FORM =
  'REDIS_URL must be an address like redis://127.0.0.1:6379 or ' +
  'redis://user:password@host:6379/0. Use rediss: for TLS.'

/**
 * Reads the settings. An empty variable counts as not set, because a copied .env.example has some.
 *
 * @throws SettingsError
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const emulated = isEmulated(env)
  const redisUrl = redisUrlOf(env)
  return {
    port: numberOf(env, 'PORT', 3000, 1, 65_535),
    host: env['HOST'] || '127.0.0.1',
    sentinelPort: numberOf(env, 'SENTINEL_PORT', 0, 0, 65_535),
    trustProxy: env['TRUST_PROXY'] || 'loopback',
    // With the emulator, a developer reads the console.
    logLevel: logLevelOf(env, emulated ? 'warn' : 'info'),
    emulated,
    instances: instancesOf(env, redisUrl),
    redisUrl
  }
}

/** All LE_* variables or none: if some are set, the developer expects the real LivePerson. */
function isEmulated(env: NodeJS.ProcessEnv): boolean {
  const missing = LIVEPERSON_VARIABLES.filter(name => !env[name])
  if (missing.length === LIVEPERSON_VARIABLES.length) return true
  if (missing.length === 0) return false
  throw new SettingsError(
    `To use LivePerson, also set ${missing.join(', ')}. ` +
      '.env.example explains each variable. To use the emulator, set no LE_* variable.'
  )
}

/** Without a shared store, each process would know only its own logins. */
function instancesOf(env: NodeJS.ProcessEnv, redisUrl: string | null): number {
  const instances = numberOf(env, 'INSTANCES', 1, 1, MAX_INSTANCES)
  if (instances === 1 || redisUrl !== null) return instances
  throw new SettingsError(
    'Several INSTANCES need a Redis to share their sessions. ' +
      'Start Redis and set REDIS_URL=redis://127.0.0.1:6379 or its address. ' +
      'For one process without Redis, leave INSTANCES out.'
  )
}

function redisUrlOf(env: NodeJS.ProcessEnv): string | null {
  const text = env['REDIS_URL']
  if (!text) return null
  if (URL.canParse(text) && ['redis:', 'rediss:'].includes(new URL(text).protocol)) return text
  throw new SettingsError(REDIS_URL_FORM)
}

function numberOf(
  env: NodeJS.ProcessEnv,
  name: string,
  fallback: number,
  least: number,
  most: number
): number {
  const text = env[name]
  if (!text) return fallback
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new SettingsError(`${name} must be a number from ${least} to ${most}.`)
}

function logLevelOf(env: NodeJS.ProcessEnv, fallback: string): string {
  const level = env['LOG_LEVEL'] || fallback
  if (LOG_LEVELS.includes(level)) return level
  throw new SettingsError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}.`)
}
