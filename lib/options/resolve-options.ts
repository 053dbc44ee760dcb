import type { SessionStore } from '@fastify/session'
import type { Session } from 'fastify'
import type { Dispatcher } from 'undici'
import { Clock, type Timers } from '../clock.js'
import { leAuthError } from '../errors.js'
import { isBareHost, LIVEPERSON_DOMAINS, trustedOrigin } from '../liveperson/trusted-host.js'
import { isLoopbackHost } from '../http/loopback.js'
import type { LeAuthOptions, ResolvedOptions } from './options.js'
import { OptionReader } from './option-reader.js'
import { returnPath } from '../http/return-path.js'
import type { RefreshLock } from '../store/refresh-lock.js'

/** The names of all options, each group's below the group's name. */
export const OPTION_NAMES = {
  '': ['accountId', 'clientId', 'clientSecret', 'redirectUri', 'secret', 'routes', 'session', 'refreshMargin', 'refreshLock', 'keepOnLogin', 'defaultReturnPath',
    'logoutReturnPath', 'authorizationMethod', 'pkce', 'scope', 'apiVersion', 'domainApi', 'sentinelDomain', 'trustedDomains',
    'httpTimeout', 'dispatcher', 'now', 'timers', 'onLogin', 'onLogout', 'onLoginError'],
  routes: ['login', 'callback', 'logout'],
  session: ['cookieName', 'cookie', 'store', 'maxSessions', 'idleLifetime', 'absoluteLifetime'],
  'session.cookie': ['domain', 'sameSite', 'partitioned'],
  apiVersion: ['authorize', 'token']
}
/** Fastify passes its own options of `register` on to every plugin; `prefix` would do nothing here, and is refused. */
const REGISTER_OPTIONS = ['logLevel', 'logSerializers']

/** An hour without a request: long enough for a meeting, and the next login is silent while Sentinel's own session lives. */
const IDLE_LIFETIME = 60 * 60 * 1000
/** LivePerson's own session length. */
const ABSOLUTE_LIFETIME = 8 * 60 * 60 * 1000
/** Time for a few tries (PROTOCOL.md §8: after 5, 10 and 15 s), and for an active user to make a request. */
const REFRESH_MARGIN = 5 * 60 * 1000
/** LivePerson asks for a refresh every 30 minutes; a longer margin would only ask sooner. */
const LONGEST_MARGIN = 30 * 60 * 1000
/** 400 days, after which browsers forget any cookie. */
const LONGEST_LIFETIME = 400 * 24 * 60 * 60 * 1000

/**
 * Checks the options, fills in variables and defaults, and tells all problems at once.
 *
 * @param raw what the app passed
 * @param env where the five settings fall back to
 * @param scopePrefix the prefix of the scope that the plugin is registered in, '' at the root
 * @throws LE_AUTH_OPTIONS_INVALID with a line for each problem; a secret appears by its length only
 */
export function resolveOptions (raw: LeAuthOptions, env: NodeJS.ProcessEnv, scopePrefix: string): ResolvedOptions {
  const read = new OptionReader(raw, env)
  for (const [group, names] of Object.entries(OPTION_NAMES)) read.known(group, group === '' ? [...names, ...REGISTER_OPTIONS] : names)

  const redirect = readRedirectUri(read)
  const hosts = readHosts(read)
  const paths = readRoutes(read, redirect.url.pathname, scopePrefix.replace(/\/$/, ''))
  const resolved = {
    accountId: read.required('accountId', 'LE_ACCOUNT_ID', /^[A-Za-z0-9_-]{1,64}$/, 'must be a string of 1 to 64 letters, digits, - or _'),
    clientId: read.required('clientId', 'LE_CLIENT_ID', /^[\x21-\x7e]{1,255}$/, 'must be the installation id that LivePerson gave, without spaces'),
    clientSecret: read.secretText('clientSecret', 'LE_CLIENT_SECRET'),
    redirectUri: redirect.text,
    origin: redirect.url.origin,
    secrets: read.secrets('secret', 'LE_AUTH_SECRET', 32),
    ...paths,
    session: readSession(read, redirect.url),
    refreshMargin: read.time('refreshMargin', REFRESH_MARGIN, 0, LONGEST_MARGIN),
    ...read.optional('refreshLock', read.withMethods<RefreshLock>('refreshLock', ['acquire'], 'an object with acquire(id), such as redisRefreshLock(client)')),
    keepOnLogin: readKeepOnLogin(read),
    defaultReturnPath: readPath(read, 'defaultReturnPath', redirect.url.origin, `${paths.publicPrefix}/`),
    logoutReturnPath: readPath(read, 'logoutReturnPath', redirect.url.origin, `${paths.publicPrefix}/`),
    authorizationMethod: read.oneOf('authorizationMethod', ['GET', 'POST'], 'GET'),
    pkce: read.boolean('pkce', true),
    ...read.optional('scope', read.text('scope', undefined, /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'must be words separated by one space (RFC 6749 §3.3)')),
    apiVersion: {
      authorize: read.text('apiVersion.authorize', '1.0', /^\d+\.\d+$/, 'must be a version such as "1.0"'),
      token: read.text('apiVersion.token', '1.0', /^\d+\.\d+$/, 'must be a version such as "2.0"')
    },
    ...hosts,
    httpTimeout: read.time('httpTimeout', 10_000, 1, 60_000),
    ...read.optional('dispatcher', read.withMethods<Dispatcher>('dispatcher', ['dispatch'], 'an undici Dispatcher')),
    clock: new Clock(read.hook('now') ?? Date.now, read.withMethods<Timers>('timers', ['setTimeout', 'clearTimeout'], 'an object with setTimeout and clearTimeout') ?? globalThis),
    ...read.optional('onLogin', read.hook('onLogin')),
    ...read.optional('onLogout', read.hook('onLogout')),
    ...read.optional('onLoginError', read.hook('onLoginError'))
  }
  if (read.problems.length > 0) {
    throw leAuthError('LE_AUTH_OPTIONS_INVALID', { detail: read.problems.map(problem => `- ${problem}`).join('\n') })
  }
  // The reader gives every value its type and reports what does not fit; past this line all of it fits.
  return resolved as ResolvedOptions
}

function readRedirectUri (read: OptionReader): { text: string, url: URL } {
  const text = read.required('redirectUri', 'LE_REDIRECT_URI', /^[\x21-\x7e]{1,128}$/, 'must be at most 128 plain characters, as LivePerson registers it')
  const fallback = { text, url: new URL('https://invalid.example/callback') }
  if (text === '') return fallback
  if (!URL.canParse(text)) return read.refuse('redirectUri must be a whole address, such as https://app.example.com/callback', fallback)
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) {
    return read.refuse('redirectUri must be https, or http on localhost, 127.0.0.1 or [::1]', fallback)
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    return read.refuse('redirectUri must have no query, fragment, user or password: register a plain path with LivePerson', fallback)
  }
  return { text, url }
}

function readRoutes (read: OptionReader, publicCallback: string, scopePrefix: string): Pick<ResolvedOptions, 'routes' | 'localRoutes' | 'publicPrefix'> {
  const localRoutes = {
    login: readRoute(read, 'routes.login', '/login'),
    callback: readRoute(read, 'routes.callback', defaultCallback(read, publicCallback, scopePrefix)),
    logout: readRoute(read, 'routes.logout', '/logout')
  }
  if (new Set(Object.values(localRoutes)).size < 3) {
    read.refuse('routes must be three different paths; the callback is the path of redirectUri unless routes.callback says otherwise', null)
  }
  const routes = {
    login: scopePrefix + localRoutes.login,
    callback: scopePrefix + localRoutes.callback,
    logout: scopePrefix + localRoutes.logout
  }
  const publicPrefix = publicCallback.endsWith(routes.callback) ? publicCallback.slice(0, -routes.callback.length) : ''
  return { routes, localRoutes, publicPrefix }
}

function defaultCallback (read: OptionReader, publicCallback: string, scopePrefix: string): string {
  if (read.value('routes.callback') !== undefined) return '/'
  if (publicCallback === '/') return read.refuse('redirectUri must have a path of its own, such as /callback', '/callback')
  if (!ROUTE.test(publicCallback)) return read.refuse(`redirectUri must have a path that works as a route: it ${ROUTE_RULE}; or say in routes.callback what the app sees`, '/callback')
  if (publicCallback.startsWith(`${scopePrefix}/`)) return publicCallback.slice(scopePrefix.length)
  return read.refuse(`redirectUri has the path ${publicCallback}, outside the prefix ${scopePrefix} that this plugin is registered under: ` +
    'register it without the prefix, or say with routes.callback which path below the prefix the proxy in front asks for', '/callback')
}

/** Plain segments only: ":" and "*" mean something to the router, and it decodes "%" before it compares. */
const ROUTE = /^(?=\/)(\/[\w.~!$&'()+,;=@-]+)*\/?$/
const ROUTE_RULE = 'must be a path of plain segments that begins with one slash, without query, fragment, "%", ":" or "*"'

function readRoute (read: OptionReader, name: string, fallback: string): string {
  return read.text(name, fallback, ROUTE, ROUTE_RULE)
}

function readPath (read: OptionReader, name: string, origin: string, fallback: string): string {
  const path = read.value(name) ?? fallback
  return returnPath(path, origin) ?? read.refuse(`${name} must be a path of this app, such as "/"`, fallback)
}

function readSession (read: OptionReader, { hostname, protocol }: URL): ResolvedOptions['session'] {
  const secure = protocol === 'https:'
  const domain = read.text('session.cookie.domain', undefined, /^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i, 'must be a domain name, such as example.com')
  const sameSite = read.oneOf('session.cookie.sameSite', ['lax', 'none'], 'lax')
  const partitioned = read.boolean('session.cookie.partitioned', false)
  if ((sameSite === 'none' || partitioned) && !secure) {
    read.refuse('session.cookie.sameSite "none" and partitioned need an https redirectUri: browsers drop such cookies otherwise', null)
  }
  if (domain !== undefined && !`.${hostname}`.endsWith(`.${domain.replace(/^\./, '')}`)) {
    read.refuse(`session.cookie.domain must be ${hostname}, the host of redirectUri, or a domain above it`, null)
  }
  const name = read.text('session.cookieName', 'le-auth', /^(?!__)[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 letters, digits, -, _ or ., and not begin with __: the prefix is added where it can be')
  const idleLifetime = read.time('session.idleLifetime', IDLE_LIFETIME, 1000, LONGEST_LIFETIME)
  return {
    cookieName: cookiePrefix(secure, domain) + name,
    cookie: { secure, sameSite, ...(domain !== undefined && { domain }), ...(partitioned && { partitioned }) },
    ...read.optional('store', read.withMethods<SessionStore>('session.store', ['get', 'set', 'destroy'], 'a store of the express-session kind')),
    maxSessions: read.wholeNumber('session.maxSessions', 100_000, 1, 10_000_000),
    idleLifetime,
    absoluteLifetime: read.time('session.absoluteLifetime', ABSOLUTE_LIFETIME, 1000, LONGEST_LIFETIME)
  }
}

/** `__Host-`: only this host can have set the cookie, over https, for all paths. `__Secure-` is what a domain leaves of that. */
function cookiePrefix (secure: boolean, domain: string | undefined): string {
  if (!secure) return ''
  return domain === undefined ? '__Host-' : '__Secure-'
}

function readKeepOnLogin (read: OptionReader): Array<keyof Session & string> {
  const keys = read.list('keepOnLogin', /^(?!(leAuth|cookie|sessionId|encryptedSessionId|__proto__)$).+/, 'names of session keys of your own')
  return keys as Array<keyof Session & string>
}

function readHosts (read: OptionReader): Pick<ResolvedOptions, 'domainApi' | 'sentinelOrigin' | 'trust'> {
  const domainApi = readDomainApi(read)
  const trustedDomains = read.list('trustedDomains', isBareHost, 'domain names in lower case with a dot in them, such as example.com')
  const trust = { domains: [...LIVEPERSON_DOMAINS, ...trustedDomains], loopback: domainApi.startsWith('http:') }
  if (read.value('sentinelDomain') === undefined) return { domainApi, trust }
  const sentinelOrigin = trustedOrigin(read.value('sentinelDomain'), trust)
  if (sentinelOrigin !== null) return { domainApi, trust, sentinelOrigin }
  return read.refuse('sentinelDomain must be a bare host under liveperson.net, liveperson.com, lpcloud.io or trustedDomains; ' +
    'a loopback host with a port only where domainApi is http on a loopback host too', { domainApi, trust })
}

function readDomainApi (read: OptionReader): string {
  const text = read.text('domainApi', 'https://api.liveperson.net', /^https?:\/\//, 'must be an origin, such as https://api.liveperson.net')
  if (!URL.canParse(text)) return read.refuse('domainApi must be an origin, such as https://api.liveperson.net', text)
  const url = new URL(text)
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) return read.refuse('domainApi must be https, or http on a loopback host', text)
  if (url.href !== `${url.origin}/`) return read.refuse('domainApi must be an origin alone, without path, query or user', text)
  return url.origin
}
