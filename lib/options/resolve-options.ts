import type { SessionStore } from '@fastify/session'
import { Clock, type Timers } from '../clock.ts'
import { leAuthError } from '../errors.ts'
import type { AnyDispatcher } from '../http/load-undici.ts'
import type { Lock } from '../store/lock.ts'
import { OptionReader } from './option-reader.ts'
import type { LeAuthOptions, LoginErrorHook, LoginHook, LogoutHook } from './options.ts'
import { readCookie } from './read-cookie.ts'
import { readHosts } from './read-hosts.ts'
import { RENAMED_OPTIONS } from './renamed-options.ts'
import { readPaths, readRedirectUri, type RedirectUri } from './read-paths.ts'
import type { ResolvedOptions } from './resolved-options.ts'

/** The names of all options, by group. The group '' has those that are in no group. */
export const OPTION_NAMES = {
  '': [
    'accountId',
    'clientId',
    'clientSecret',
    'redirectUri',
    'secret',
    'routes',
    'returnTo',
    'cookie',
    'session',
    'store',
    'maxLogins',
    'idleLifetime',
    'absoluteLifetime',
    'refreshLeeway',
    'backgroundWork',
    'lock',
    'authorizationMethod',
    'pkce',
    'scope',
    'apiVersion',
    'idTokenSignature',
    'domainApi',
    'sentinelDomain',
    'trustedDomains',
    'httpTimeout',
    'dispatcher',
    'now',
    'timers',
    'onLogin',
    'onLogout',
    'onLoginError'
  ],
  routes: ['login', 'callback', 'logout'],
  returnTo: ['afterLogin', 'afterLogout'],
  cookie: ['name', 'domain', 'sameSite', 'partitioned'],
  session: ['keep'],
  apiVersion: ['authorize', 'token']
}
/**
 * Fastify passes these options of `register` on to every plugin. `prefix` has no effect, and is
 * refused.
 */
const REGISTER_OPTIONS = ['logLevel', 'logSerializers']

/**
 * Long enough for a meeting. After that, the user can log in again without a password while
 * Sentinel's own session lasts.
 */
const IDLE_LIFETIME = 60 * 60 * 1000
/** As long as LivePerson's own session. */
const ABSOLUTE_LIFETIME = 8 * 60 * 60 * 1000
/** Browsers forget any cookie after 400 days. */
const LONGEST_LIFETIME = 400 * 24 * 60 * 60 * 1000
/**
 * Time for a request to arrive and start the refresh, and for a few attempts (docs/protocol.md §8:
 * after 5, 10 and 15 s).
 */
const REFRESH_LEEWAY = 5 * 60 * 1000
/** LivePerson asks for a refresh every 30 minutes, so a longer leeway would change nothing. */
const LONGEST_LEEWAY = 30 * 60 * 1000

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/
/** The app may not keep `leAuth`, or the keys that @fastify/session itself stores in a session. */
const SESSION_KEY = /^(?!(leAuth|cookie|sessionId|encryptedSessionId|__proto__)$).+/

/**
 * Checks the options, fills in environment variables and defaults, and reports all problems at
 * once.
 *
 * @param raw what the app passed
 * @param env the environment variables, for those of the first five options that are not set
 * @param scopePrefix the prefix of the scope that the plugin is registered in, '' at the root
 * @throws LE_AUTH_OPTIONS_INVALID with a line for each problem; a secret is never shown, only its
 * length
 */
export function resolveOptions(
  raw: LeAuthOptions,
  env: NodeJS.ProcessEnv,
  scopePrefix: string
): ResolvedOptions {
  const read = new OptionReader(raw, { env, renamed: RENAMED_OPTIONS })
  for (const [group, names] of Object.entries(OPTION_NAMES)) {
    read.known(group, group === '' ? [...names, ...REGISTER_OPTIONS] : names)
  }
  const redirectUri = readRedirectUri(read)
  const identity = readIdentity(read, redirectUri)
  const resolved = {
    ...identity,
    authorization: readAuthorization(read),
    paths: readPaths(read, redirectUri.url, scopePrefix.replace(/\/$/, '')),
    cookie: readCookie(read, redirectUri.url, identity.client),
    keep: read.list('session.keep', SESSION_KEY, 'names of session keys of your own'),
    ...readStorage(read),
    inProduction: env['NODE_ENV'] === 'production',
    hosts: readHosts(read),
    http: readHttp(read, env),
    clock: readClock(read),
    hooks: readHooks(read)
  }
  if (read.problems.length > 0) {
    const problem = read.problems.map(problem => `\n- ${problem}`).join('')
    throw leAuthError('LE_AUTH_OPTIONS_INVALID', { problem })
  }
  return resolved
}

type Part<Names extends keyof ResolvedOptions> = Pick<ResolvedOptions, Names>

function readIdentity(
  read: OptionReader,
  { text }: RedirectUri
): Part<'accountId' | 'client' | 'secrets'> {
  return {
    accountId: read.required(
      'accountId',
      'LE_ACCOUNT_ID',
      /^[A-Za-z0-9_-]{1,64}$/,
      'must be a string of 1 to 64 letters, digits, - or _'
    ),
    client: {
      clientId: read.required(
        'clientId',
        'LE_CLIENT_ID',
        /^[\x21-\x7e]{1,255}$/,
        'must be the installation id that LivePerson issued, without spaces'
      ),
      clientSecret: read.secretText('clientSecret', 'LE_CLIENT_SECRET'),
      redirectUri: text
    },
    secrets: read.secrets('secret', 'LE_AUTH_SECRET', 32)
  }
}

function readAuthorization(read: OptionReader): ResolvedOptions['authorization'] {
  const scope = read.text(
    'scope',
    undefined,
    SCOPE,
    'must be words separated by one space (RFC 6749 §3.3)'
  )
  return {
    method: read.oneOf('authorizationMethod', ['GET', 'POST'], 'GET'),
    pkce: read.boolean('pkce', true),
    ...read.optional('scope', scope),
    apiVersion: {
      authorize: readVersion(read, 'apiVersion.authorize'),
      token: readVersion(read, 'apiVersion.token')
    },
    idTokenSignature: read.oneOf('idTokenSignature', ['not-checked', 'required'], 'not-checked')
  }
}

function readVersion(read: OptionReader, name: string): string {
  return read.text(name, '1.0', /^\d+\.\d+$/, 'must be a version such as "1.0"')
}

function readStorage(
  read: OptionReader
): Part<'maxLogins' | 'memoryIsMeant' | 'lifetimes' | 'refreshLeeway' | 'backgroundWork'> &
  Partial<Part<'store' | 'lock'>> {
  const store = read.withMethods<SessionStore>(
    'store',
    ['get', 'set', 'destroy'],
    'a store made for express-session'
  )
  const lock = read.withMethods<Lock>(
    'lock',
    ['acquire'],
    'an object with acquire(id), such as redisLock(client)'
  )
  return {
    ...read.optional('store', store),
    maxLogins: read.wholeNumber('maxLogins', 100_000, 1, 10_000_000),
    memoryIsMeant: read.value('maxLogins') !== undefined,
    lifetimes: {
      idle: read.time('idleLifetime', IDLE_LIFETIME, 1000, LONGEST_LIFETIME),
      absolute: read.time('absoluteLifetime', ABSOLUTE_LIFETIME, 1000, LONGEST_LIFETIME)
    },
    refreshLeeway: read.time('refreshLeeway', REFRESH_LEEWAY, 0, LONGEST_LEEWAY),
    backgroundWork: read.boolean('backgroundWork', true),
    ...read.optional('lock', lock)
  }
}

function readHttp(read: OptionReader, env: NodeJS.ProcessEnv): ResolvedOptions['http'] {
  const dispatcher = read.withMethods<AnyDispatcher>(
    'dispatcher',
    ['dispatch'],
    'an undici Dispatcher'
  )
  return {
    timeout: read.time('httpTimeout', 10_000, 1, 60_000),
    // As for Node's own fetch, from Node 24 on.
    envProxy: env['NODE_USE_ENV_PROXY'] === '1',
    ...read.optional('dispatcher', dispatcher)
  }
}

function readClock(read: OptionReader): Clock {
  const timers = read.withMethods<Timers>(
    'timers',
    ['setTimeout', 'clearTimeout'],
    'an object with setTimeout and clearTimeout'
  )
  return new Clock(read.hook('now') ?? Date.now, timers ?? globalThis)
}

function readHooks(read: OptionReader): ResolvedOptions['hooks'] {
  return {
    ...read.optional('onLogin', read.hook<LoginHook>('onLogin')),
    ...read.optional('onLogout', read.hook<LogoutHook>('onLogout')),
    ...read.optional('onLoginError', read.hook<LoginErrorHook>('onLoginError'))
  }
}
