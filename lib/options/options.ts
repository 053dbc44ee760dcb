import type { SessionStore } from '@fastify/session'
import type { Timers } from '../clock.ts'
import type { AnyReply, AnyRequest } from '../http/any-request.ts'
import type { AnyDispatcher } from '../http/load-undici.ts'
import type { Lock } from '../store/lock.ts'
import type { LoginErrorEvent, LoginEvent, LogoutEvent } from './events.ts'

/**
 * What `app.register(leAuth, options)` takes. The first five fall back to environment variables.
 */
export interface LeAuthOptions {
  /**
   * The LivePerson account: at most 64 letters, digits, `-` and `_`.
   * @default process.env.LE_ACCOUNT_ID
   */
  accountId?: string | undefined
  /**
   * The installation id that LivePerson issued for this application.
   * @default process.env.LE_CLIENT_ID
   */
  clientId?: string | undefined
  /**
   * The installation's secret.
   * @default process.env.LE_CLIENT_SECRET
   */
  clientSecret?: string | undefined
  /**
   * The redirect URI, exactly as registered with LivePerson: https, or http on a loopback host.
   * Its path becomes the callback route.
   * @default process.env.LE_REDIRECT_URI
   */
  redirectUri?: string | undefined
  /**
   * Signs and seals cookies and tokens: 32 characters or more. To rotate secrets, pass an array:
   * the first secret signs and seals, and every secret verifies and opens.
   * @default process.env.LE_AUTH_SECRET
   */
  secret?: string | string[] | undefined
  /** The paths of the plugin's routes. */
  routes?: RouteOptions | undefined
  /** The paths that a login and a logout lead to. */
  returnTo?: ReturnToOptions | undefined
  /** The login cookie. */
  cookie?: CookieOptions | undefined
  /** The app's `request.session`. */
  session?: SessionOptions | undefined
  /**
   * Keeps logins and sessions: any store made for express-session. Refused if the app has
   * registered @fastify/session itself, because that plugin's store is used then.
   * @default a bounded store in memory
   */
  store?: SessionStore | undefined
  /**
   * How many logins the store in memory keeps. The same limit applies to the sessions of users, and
   * to those of visitors. The least recently used one is dropped first. If it is set, the log does
   * not warn of the store in memory in production.
   * @default 100000
   */
  maxLogins?: number | undefined
  /**
   * How long a login lives without a request, in ms. The store learns of activity only every 5
   * minutes, so a login may end up to 5 minutes too early.
   * @default 3600000 (one hour)
   */
  idleLifetime?: number | undefined
  /**
   * How long a login lives at most, in ms.
   * @default 28800000 (8 hours, as long as LivePerson's own session)
   */
  absoluteLifetime?: number | undefined
  /**
   * An access token is refreshed this long before it expires, in ms; at most half its lifetime.
   * Requests go on with the old token meanwhile. Tokens are refreshed every 30 minutes in any case,
   * while the user is active.
   * @default 300000 (5 minutes)
   */
  refreshLeeway?: number | undefined
  /**
   * Whether a refresh that is due, and the note that the user was active, may go on after the
   * response. Set it to `false` on a host that freezes the process after each response, such as
   * AWS Lambda. Some requests then wait for them.
   * @default true
   */
  backgroundWork?: boolean | undefined
  /**
   * Prevents two processes that share `store` from refreshing the same tokens, or using the same
   * state, at the same time; see {@link Lock}.
   * @default none
   */
  lock?: Lock | undefined
  /**
   * How the login starts: with a redirect, or with a form that submits itself.
   * @default 'GET'
   */
  authorizationMethod?: 'GET' | 'POST' | undefined
  /**
   * Sends a PKCE challenge, S256 (RFC 7636). Turn it off only if Sentinel refuses it.
   * @default true
   */
  pkce?: boolean | undefined
  /**
   * The `scope` of the authorization request; LivePerson documents none.
   * @default none is sent
   */
  scope?: string | undefined
  /** Sentinel's API version (`v`) for each endpoint. */
  apiVersion?: ApiVersionOptions | undefined
  /**
   * Whether an id_token must be signed (RS256) by a key of 2048 bits or more that Sentinel
   * publishes at `/sentinel/well-known/jwks`. Without the check, an id_token is trusted because it
   * comes straight from Sentinel over TLS (OpenID Connect Core §3.1.3.7 (6)). LivePerson does not
   * document which key signs id_tokens: try `'required'` with your account before you rely on it.
   * @default 'not-checked'
   */
  idTokenSignature?: 'not-checked' | 'required' | undefined
  /**
   * The Domain API's origin. It may be http on a loopback host, like the emulator. Its responses
   * may then also name a loopback host with a port.
   * @default 'https://api.liveperson.net'
   */
  domainApi?: string | undefined
  /**
   * Sentinel's host. If set, it is not looked up in the Domain API.
   * @default looked up
   */
  sentinelDomain?: string | undefined
  /**
   * Domains that LivePerson's services may be under, besides liveperson.net, liveperson.com and
   * lpcloud.io.
   * @default []
   */
  trustedDomains?: string[] | undefined
  /**
   * How long one call to Sentinel or the Domain API may take in all, in ms.
   * @default 10000
   */
  httpTimeout?: number | undefined
  /**
   * The undici dispatcher for all calls, such as a `ProxyAgent`, of undici 6, 7 or 8. The app
   * closes it.
   * @default an `Agent` of the plugin's own; with `NODE_USE_ENV_PROXY=1` an `EnvHttpProxyAgent`,
   * which uses `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`
   */
  dispatcher?: AnyDispatcher | undefined
  /**
   * The clock, in ms since 1970, for tests that shift time.
   * @default Date.now
   */
  now?: (() => number) | undefined
  /**
   * The timers for deadlines and pauses, for tests that shift time.
   * @default Node's own timers
   */
  timers?: Timers | undefined
  /**
   * Called when a user has logged in, before the login is stored: what it writes to
   * `request.session` is kept. To refuse a user, throw `LoginRefused`, or return `false`: then
   * nobody is logged in, and a login that the browser had goes on. If it throws anything else, the
   * error is `LE_AUTH_LOGIN_HOOK_FAILED` with the thrown value as `cause`. If it responds to the
   * request, that counts as throwing.
   */
  onLogin?: LoginHook | undefined
  /**
   * Called when a user has logged out of the app. It may respond to the request itself; then it
   * returns `reply`.
   */
  onLogout?: LogoutHook | undefined
  /**
   * Called when /login or /callback fails. It may respond to the request itself, instead of the
   * error page or the thrown error; then it returns `reply`.
   */
  onLoginError?: LoginErrorHook | undefined
}

/** See {@link LeAuthOptions.onLogin}. */
export type LoginHook = Hook<LoginEvent, boolean | void | Promise<boolean | void>>

/** See {@link LeAuthOptions.onLogout}. */
export type LogoutHook = Hook<LogoutEvent, HookResult>

/** See {@link LeAuthOptions.onLoginError}. */
export type LoginErrorHook = Hook<LoginErrorEvent, HookResult>

/**
 * A function of the app. Written as a method, so that TypeScript also takes one that names the
 * app's own kind of request, such as one with pino's logger.
 */
type Hook<Event, Result> = {
  hook(event: Event, request: AnyRequest, reply: AnyReply): Result
}['hook']

/** What a hook that may respond returns: `reply` if it has responded, nothing otherwise. */
export type HookResult = AnyReply | void | Promise<AnyReply | void>

/** Paths of the plugin's routes, below the prefix of the scope that it is registered in. */
export interface RouteOptions {
  /** GET starts a login. @default '/login' */
  login?: string | undefined
  /**
   * GET: LivePerson sends the browser back to this path. Set it if a proxy strips a prefix from the
   * path of `redirectUri`.
   * @default the path of `redirectUri`
   */
  callback?: string | undefined
  /** POST ends a login. @default '/logout' */
  logout?: string | undefined
}

/** Paths of the app, as the browser sees them. */
export interface ReturnToOptions {
  /**
   * Where the browser goes after a login without a return path, or with one that is too long: more
   * than 1,536 bytes in UTF-8, or 3,072 characters if it is percent-encoded. If only the query or
   * the fragment of a return path makes it too long, the browser goes to the path without them.
   * @default '/', after the prefix that a proxy strips
   */
  afterLogin?: string | undefined
  /**
   * Where the browser goes after a logout.
   * @default '/', after the prefix that a proxy strips
   */
  afterLogout?: string | undefined
}

/** The login cookie. Secure follows `redirectUri`; HttpOnly and Path=/ are fixed. */
export interface CookieOptions {
  /**
   * The cookie's name. Over https, the plugin puts `__Host-` before the name, or `__Secure-` if
   * `domain` is set. The plugin's other cookies have the same name with an ending, such as
   * `.session` for the cookie of `request.session`. Two apps on one host need two names, whatever
   * their ports and paths.
   * @default 'le-auth-' and 8 digits that follow from `clientId` and `redirectUri`
   */
  name?: string | undefined
  /**
   * Shares the cookies with this domain and all its subdomains. They lose the protection of
   * `__Host-`.
   * @default this host only
   */
  domain?: string | undefined
  /**
   * `none` for an app in a frame of another site (https only). `strict` cannot work, because the
   * callback comes from LivePerson.
   * @default 'lax'
   */
  sameSite?: 'lax' | 'none' | undefined
  /** Keeps a framed app's cookies apart for each embedding site (CHIPS). @default false */
  partitioned?: boolean | undefined
}

/** The app's `request.session`. */
export interface SessionOptions {
  /**
   * Keys of `request.session` that survive a login, if the session was a visitor's or the same
   * user's. The rest of the session before the login is dropped.
   * @default []
   */
  keep?: string[] | undefined
}

/** Sentinel's API version for each endpoint. */
export interface ApiVersionOptions {
  /** For the authorization endpoint. @default '1.0' */
  authorize?: string | undefined
  /**
   * For the token endpoint. `2.0` was once described as the version that returns an id_token.
   * @default '1.0'
   */
  token?: string | undefined
}
