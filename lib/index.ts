export { default } from './plugin.ts'
export type {
  ApiVersionOptions,
  CookieOptions,
  HookResult,
  LeAuthOptions,
  LoginErrorHook,
  LoginHook,
  LogoutHook,
  ReturnToOptions,
  RouteOptions,
  SessionOptions
} from './options/options.ts'
export type { LoginErrorEvent, LoginEvent, LogoutEvent } from './options/events.ts'

export { authOf, requireAdmin, requireAuth } from './access/registration.ts'
export type { Guard } from './access/guards.ts'
export type { FetchInit } from './http/fetch-init.ts'
export type { Authentication } from './access/authentication.ts'
export type { AccessTokenOptions } from './access/access-token-options.ts'
export type { LogoutOptions, LogoutResult } from './access/logout.ts'
export type { User } from './sentinel/user.ts'

export { LE_AUTH_ERROR_STATUS, LeAuthError, LoginRefused } from './errors.ts'
export type { LeAuthErrorCode, LeAuthErrorReasons, LoginEndReason } from './errors.ts'
export { LE_AUTH_CHANNELS } from './diagnostics.ts'
export type { LeAuthDiagnostics, LeAuthDiagnosticsUser } from './diagnostics.ts'

export type { HeldLock, Lock } from './store/lock.ts'
