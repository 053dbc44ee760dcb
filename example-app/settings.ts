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
}

/** The environment is not what the app needs; the message says what to do. */
export class SettingsError extends Error {}

const LIVEPERSON_VARIABLES = ['LE_ACCOUNT_ID', 'LE_CLIENT_ID', 'LE_CLIENT_SECRET', 'LE_REDIRECT_URI', 'LE_AUTH_SECRET']
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/**
 * Reads the settings. A variable that is empty counts as not set, as in a copied .env.example.
 *
 * @throws SettingsError
 */
export function readSettings (env: NodeJS.ProcessEnv): Settings {
  const emulated = isEmulated(env)
  return {
    port: portOf(env, 'PORT', 3000, 1),
    host: env['HOST'] || '127.0.0.1',
    sentinelPort: portOf(env, 'SENTINEL_PORT', 0, 0),
    trustProxy: env['TRUST_PROXY'] || 'loopback',
    // Beside the emulator the console is for the person who tries it.
    logLevel: logLevelOf(env, emulated ? 'warn' : 'info'),
    emulated
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

function portOf (env: NodeJS.ProcessEnv, name: string, fallback: number, least: number): number {
  const text = env[name]
  if (!text) return fallback
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= least && port <= 65_535) return port
  throw new SettingsError(`${name} must be a number from ${least} to 65535.`)
}

function logLevelOf (env: NodeJS.ProcessEnv, fallback: string): string {
  const level = env['LOG_LEVEL'] || fallback
  if (LOG_LEVELS.includes(level)) return level
  throw new SettingsError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}.`)
}
