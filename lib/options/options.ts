import type { FastifyReply, FastifyRequest, Session } from 'fastify'
import type { SessionStore } from '@fastify/session'
import type { Dispatcher } from 'undici'
import type { Clock, Timers } from '../clock.js'
import type { LeAuthError } from '../errors.js'
import type { HostTrust } from '../liveperson/trusted-host.js'
import type { User } from '../sentinel/claims.js'
import type { RefreshLock } from '../store/refresh-lock.js'

/** What `app.register(leAuth, options)` takes. The first five fall back to their environment variables. */
export interface LeAuthOptions {
  /** The LivePerson account: letters, digits, `-` and `_`, 64 at most. Else `LE_ACCOUNT_ID`. */
  accountId?: string | undefined
  /** The installation id that LivePerson gave this application. Else `LE_CLIENT_ID`. */
  clientId?: string | undefined
  /** The installation's secret. Else `LE_CLIENT_SECRET`. */
  clientSecret?: string | undefined
  /**
   * The redirect URI, exactly as registered with LivePerson: https, or http on a loopback host.
   * Its path becomes the callback route. Else `LE_REDIRECT_URI`.
   */
  redirectUri?: string | undefined
  /**
   * Signs and seals cookies and tokens: 32 characters or more. An array rotates: the first one is used,
   * the others still open what they closed. Else `LE_AUTH_SECRET`.
   */
  secret?: string | string[] | undefined
  /** Where the plugin's routes are. */
  routes?: RouteOptions | undefined
  /** The login, its cookie and where it is kept. The store belongs to the app's own session plugin, if it has one. */
  session?: SessionOptions | undefined
  /**
   * How long before its end an access token is refreshed, in ms; half its life at the most. Requests go on meanwhile with the
   * token there is. Tokens are refreshed every 30 minutes in any case, while the user is active.
   * @default 300000 (5 minutes)
   */
  refreshMargin?: number | undefined
  /** Keeps processes that share `session.store` from refreshing the same tokens, or using the same state, at once; see {@link RefreshLock}. @default none */
  refreshLock?: RefreshLock | undefined
  /** Session keys of a visitor, or of the same user, that survive a login; everything else of the session before it is dropped. @default [] */
  keepOnLogin?: string[] | undefined
  /** Where a login ends that was begun without a return path: a path as the browser sees it. @default '/', below what a proxy strips */
  defaultReturnPath?: string | undefined
  /** Where a logout ends: a path as the browser sees it. @default '/', below what a proxy strips */
  logoutReturnPath?: string | undefined
  /** Begins the authorization request with a redirect, or with a form that posts itself. @default 'GET' */
  authorizationMethod?: 'GET' | 'POST' | undefined
  /** Sends a PKCE challenge, S256 (RFC 7636). Turn it off only where Sentinel refuses it. @default true */
  pkce?: boolean | undefined
  /** The `scope` to ask for; LivePerson documents none. @default none is sent */
  scope?: string | undefined
  /** Sentinel's API version (`v`) for each endpoint. */
  apiVersion?: ApiVersionOptions | undefined
  /**
   * The Domain API's origin. http only on a loopback host, as the emulator has it; look-ups may then
   * answer a loopback host with a port. @default 'https://api.liveperson.net'
   */
  domainApi?: string | undefined
  /** Sentinel's host, which skips its look-up in the Domain API. @default looked up */
  sentinelDomain?: string | undefined
  /** Domains that LivePerson's services may be under, besides liveperson.net, liveperson.com and lpcloud.io. @default [] */
  trustedDomains?: string[] | undefined
  /** How long one call to Sentinel or the Domain API may take in all, in ms. @default 10000 */
  httpTimeout?: number | undefined
  /** The undici dispatcher that calls go through, a `ProxyAgent` for one; the app closes it. @default an `Agent` of the plugin's own */
  dispatcher?: Dispatcher | undefined
  /** The clock, in ms since 1970, for tests that shift time. @default Date.now */
  now?: (() => number) | undefined
  /** What deadlines and pauses wait with, for tests that move them with the clock. @default Node's own timers */
  timers?: Timers | undefined
  /**
   * Called when somebody has logged in, before the login is stored: what it puts into `request.session` is kept.
   * If it throws, nobody is logged in and the error is `LE_AUTH_LOGIN_HOOK_FAILED`, with what it threw as `cause`.
   * It must not answer the request either, which counts as throwing: to refuse somebody, throw, and answer in `onLoginError`.
   */
  onLogin?: ((event: LoginEvent, request: FastifyRequest, reply: FastifyReply) => void | Promise<void>) | undefined
  /** Called when somebody has logged out of the app. It may answer the request itself, and then returns `reply`. */
  onLogout?: ((event: LogoutEvent, request: FastifyRequest, reply: FastifyReply) => Answer) | undefined
  /**
   * Called when /login or /callback fails. It may answer the request itself, and then returns `reply`: the answer takes
   * the place of the error page and of the thrown error.
   */
  onLoginError?: ((event: LoginErrorEvent, request: FastifyRequest, reply: FastifyReply) => Answer) | undefined
}

/** What a hook that may answer returns: `reply` when it has answered, nothing otherwise. */
export type Answer = FastifyReply | void | Promise<FastifyReply | void>

/** Paths of the plugin's routes, below the prefix of the scope it is registered in. */
export interface RouteOptions {
  /** GET: begins a login. @default '/login' */
  login?: string | undefined
  /**
   * GET: where LivePerson sends the browser back. Say it where a proxy strips a prefix from the path of
   * `redirectUri`. @default the path of `redirectUri`
   */
  callback?: string | undefined
  /** POST: ends a login. @default '/logout' */
  logout?: string | undefined
}

/** How long a login lives, and where it is kept. */
export interface SessionOptions {
  /**
   * The name of the login's cookie; `__Host-` comes before it over https if no `domain` is set. The app's session is in a cookie of
   * that name and `.session`. @default 'le-auth'
   */
  cookieName?: string | undefined
  /** Cookie attributes. Secure follows `redirectUri`; HttpOnly and Path=/ are fixed. */
  cookie?: CookieOptions | undefined
  /** A store of the express-session kind; refused where the app has registered @fastify/session itself. @default a bounded store in memory */
  store?: SessionStore | undefined
  /** How many logins the store in memory keeps, and how many sessions of the app, those of visitors apart; the least recently used goes first. @default 100000 */
  maxSessions?: number | undefined
  /** How long a login lives without a request, in ms; activity is noted every 5 minutes, so it may end that much earlier. @default 3600000 (one hour) */
  idleLifetime?: number | undefined
  /** How long a login lives at all, in ms. @default 28800000 (8 hours, LivePerson's own session length) */
  absoluteLifetime?: number | undefined
}

/** Attributes of the plugin's cookies. */
export interface CookieOptions {
  /** Sends the cookies to this domain and all below it; gives up the protection of `__Host-`. @default this host only */
  domain?: string | undefined
  /** `none` for an app inside a frame of another site (https only). `strict` cannot work: the callback comes from LivePerson. @default 'lax' */
  sameSite?: 'lax' | 'none' | undefined
  /** Keeps a framed app's cookies apart for each embedding site (CHIPS). @default false */
  partitioned?: boolean | undefined
}

/** Sentinel's API version for each endpoint. */
export interface ApiVersionOptions {
  /** For the authorization endpoint. @default '1.0' */
  authorize?: string | undefined
  /** For the token endpoint; `2.0` was once described as the version that returns an id_token. @default '1.0' */
  token?: string | undefined
}

/** A login that has just succeeded. */
export interface LoginEvent {
  readonly user: User
  readonly accountId: string
  /** Where the browser goes next. */
  readonly returnPath: string
}

/** A login that has just failed. */
export interface LoginErrorEvent {
  readonly error: LeAuthError
  /** Begins the login again, with the same return path where it is known: for a "Try again" link. */
  readonly retryPath: string
}

/** A logout that has just happened in this app. */
export interface LogoutEvent {
  readonly user: User
  readonly accountId: string
  /** Whether LivePerson confirmed that the user's sessions there have ended; `null` when that was not asked for. */
  readonly revoked: boolean | null
  /** Why `revoked` is false. */
  readonly revocationError?: LeAuthError
}

/** The options after the defaults, the variables and all checks. Nothing later sees a raw option. */
export interface ResolvedOptions {
  accountId: string
  clientId: string
  clientSecret: string
  redirectUri: string
  /** The public origin of the app: that of `redirectUri`, never of a Host header. */
  origin: string
  /** What a proxy strips from the paths of the app; '' where none does. */
  publicPrefix: string
  secrets: string[]
  /** Paths as the app sees them, prefix included. */
  routes: { login: string, callback: string, logout: string }
  /** The same routes without the scope's prefix, as they are registered. */
  localRoutes: { login: string, callback: string, logout: string }
  session: {
    cookieName: string
    cookie: { secure: boolean, sameSite: 'lax' | 'none', domain?: string, partitioned?: true }
    store?: SessionStore
    maxSessions: number
    idleLifetime: number
    absoluteLifetime: number
  }
  refreshMargin: number
  refreshLock?: RefreshLock
  keepOnLogin: Array<keyof Session & string>
  defaultReturnPath: string
  logoutReturnPath: string
  authorizationMethod: 'GET' | 'POST'
  pkce: boolean
  scope?: string
  apiVersion: { authorize: string, token: string }
  /** The Domain API's origin. */
  domainApi: string
  /** Sentinel's origin, where its look-up is skipped. */
  sentinelOrigin?: string
  /** Which hosts are LivePerson's. */
  trust: HostTrust
  httpTimeout: number
  dispatcher?: Dispatcher
  clock: Clock
  onLogin?: NonNullable<LeAuthOptions['onLogin']>
  onLogout?: NonNullable<LeAuthOptions['onLogout']>
  onLoginError?: NonNullable<LeAuthOptions['onLoginError']>
}
