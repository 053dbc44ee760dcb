/** How long requests that are being answered may take when the server is told to stop, in ms. */
export const CLOSE_WITHIN = 5000

/** Where the app listens and what it talks to, read from the environment. */
export interface Settings {
  port: number
  host: string
  /** The emulator's port; 0 lets the system choose. */
  sentinelPort: number
  /** Addresses of the proxies that may say which protocol and host the browser used. */
  trustProxy: string
  logLevel: string
  /** Whether the emulator plays LivePerson, because no LE_* variable is set. */
  emulated: boolean
  /** How many processes answer. */
  instances: number
  /** The Redis that has the sessions, for any number of processes; `null` where the memory of one has them. */
  redisUrl: string | null
}

/** The environment is not what the app needs; the message says what to do. */
export class SettingsError extends Error {}

const LIVEPERSON_VARIABLES = ['LE_ACCOUNT_ID', 'LE_CLIENT_ID', 'LE_CLIENT_SECRET', 'LE_REDIRECT_URI', 'LE_AUTH_SECRET']
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
/** More than any machine has use for; a slip of the keyboard shall not start thousands. */
const MAX_INSTANCES = 64

/** Nothing of the address is repeated: it may hold a password. */
export const REDIS_URL_FORM = 'REDIS_URL must be an address like redis://127.0.0.1:6379 or redis://user:password@host:6379/0, or one with rediss: for TLS.'

/**
 * Reads the settings. A variable that is empty counts as not set, as in a copied .env.example.
 *
 * @throws SettingsError
 */
export function readSettings (env: NodeJS.ProcessEnv): Settings {
  const emulated = isEmulated(env)
  const redisUrl = redisUrlOf(env)
  return {
    port: numberOf(env, 'PORT', 3000, 1, 65_535),
    host: env['HOST'] || '127.0.0.1',
    sentinelPort: numberOf(env, 'SENTINEL_PORT', 0, 0, 65_535),
    trustProxy: env['TRUST_PROXY'] || 'loopback',
    // Beside the emulator the console is for the person who tries it.
    logLevel: logLevelOf(env, emulated ? 'warn' : 'info'),
    emulated,
    instances: instancesOf(env, redisUrl),
    redisUrl
  }
}

/** All LE_* variables or none: with some of them, somebody expects the real LivePerson. */
function isEmulated (env: NodeJS.ProcessEnv): boolean {
  const missing = LIVEPERSON_VARIABLES.filter(name => !env[name])
  if (missing.length === LIVEPERSON_VARIABLES.length) return true
  if (missing.length === 0) return false
  throw new SettingsError(`To use LivePerson, set ${missing.join(', ')} as well; .env.example explains each. ` +
    'To use the emulator instead, leave all LE_* variables out.')
}

/** Several processes without a shared store would each know other users. */
function instancesOf (env: NodeJS.ProcessEnv, redisUrl: string | null): number {
  const instances = numberOf(env, 'INSTANCES', 1, 1, MAX_INSTANCES)
  if (instances === 1 || redisUrl !== null) return instances
  throw new SettingsError('Several INSTANCES need a Redis to share their sessions: start one, and set REDIS_URL=redis://127.0.0.1:6379 or where it is. ' +
    'For one process without Redis, leave INSTANCES out.')
}

function redisUrlOf (env: NodeJS.ProcessEnv): string | null {
  const text = env['REDIS_URL']
  if (!text) return null
  if (URL.canParse(text) && ['redis:', 'rediss:'].includes(new URL(text).protocol)) return text
  throw new SettingsError(REDIS_URL_FORM)
}

function numberOf (env: NodeJS.ProcessEnv, name: string, fallback: number, least: number, most: number): number {
  const text = env[name]
  if (!text) return fallback
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new SettingsError(`${name} must be a number from ${least} to ${most}.`)
}

function logLevelOf (env: NodeJS.ProcessEnv, fallback: string): string {
  const level = env['LOG_LEVEL'] || fallback
  if (LOG_LEVELS.includes(level)) return level
  throw new SettingsError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}.`)
}
