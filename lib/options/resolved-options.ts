import type { SessionStore } from '@fastify/session'
import type { Clock } from '../clock.ts'
import type { HttpOptions } from '../http/load-undici.ts'
import type { HostTrust } from '../liveperson/trusted-host.ts'
import type { Lock } from '../store/lock.ts'
import type { LoginErrorHook, LoginHook, LogoutHook } from './options.ts'

/**
 * The checked options with defaults, grouped so that each module gets only what it needs. No other
 * module sees a raw option, or a secret that it does not need.
 */
export interface ResolvedOptions {
  accountId: string
  /** For Sentinel only: it holds the client secret. */
  client: ClientCredentials
  /** For sealing and signing only. */
  secrets: string[]
  authorization: AuthorizationRequestOptions
  paths: AppPaths
  cookie: ResolvedCookie
  /** Session keys that survive a login. */
  keep: string[]
  store?: SessionStore
  maxLogins: number
  /** Whether the app has set `maxLogins`, and so has decided on the store in memory. */
  memoryIsMeant: boolean
  /** Whether `NODE_ENV` is `production`. */
  inProduction: boolean
  lifetimes: LoginLifetimes
  /** In ms. */
  refreshLeeway: number
  /** Whether work may go on after the response. */
  backgroundWork: boolean
  lock?: Lock
  hosts: LivePersonHosts
  http: HttpOptions
  clock: Clock
  hooks: Hooks
}

/** This app as an OAuth client. */
export interface ClientCredentials {
  clientId: string
  clientSecret: string
  redirectUri: string
}

/** Settings of the authorization request and of its result. */
export interface AuthorizationRequestOptions {
  method: 'GET' | 'POST'
  pkce: boolean
  scope?: string
  apiVersion: { authorize: string; token: string }
  idTokenSignature: 'not-checked' | 'required'
}

/** Where the plugin's routes and the app are. */
export interface AppPaths {
  /** The public origin of the app: that of `redirectUri`, never of a Host header. */
  origin: string
  /** What a proxy strips from the paths of the app; '' if it strips nothing. */
  publicPrefix: string
  /** Paths as the app sees them, with the scope's prefix. */
  routes: RoutePaths
  /** The same paths without the scope's prefix, as they are registered. */
  localRoutes: RoutePaths
  /** Where the browser finds GET /login. */
  login: string
  /** Where a login and a logout lead. */
  afterLogin: string
  afterLogout: string
}

/** One path for each route of the plugin. */
export interface RoutePaths {
  login: string
  callback: string
  logout: string
}

/** The login cookie. */
export interface ResolvedCookie {
  name: string
  attributes: CookieAttributes
}

/** The cookie attributes that the app can set. */
export interface CookieAttributes {
  secure: boolean
  sameSite: 'lax' | 'none'
  domain?: string
  partitioned?: true
}

/** How long a login lives, in ms. */
export interface LoginLifetimes {
  idle: number
  absolute: number
}

/** Where LivePerson is. */
export interface LivePersonHosts {
  /** The Domain API's origin. */
  domainApi: string
  /** Sentinel's origin, if it is not looked up. */
  sentinelOrigin?: string
  /** Which hosts are LivePerson's. */
  trust: HostTrust
}

/** The app's own hooks. */
export interface Hooks {
  onLogin?: LoginHook
  onLogout?: LogoutHook
  onLoginError?: LoginErrorHook
}
