import type { LeAuthError } from '../errors.ts'
import type { User } from '../sentinel/user.ts'

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
  /** Starts the login again, with the same return path if it is known: for a "Try again" link. */
  readonly retryPath: string
  /**
   * Whether `onLogin` has refused the user, and a form that POSTs to `retryPath` would end that
   * user's session in all LivePerson applications before it starts the login: for a button
   * "Log in as somebody else".
   */
  readonly canSwitchUser: boolean
}

/** A logout that has just happened in this app. */
export interface LogoutEvent {
  readonly user: User
  readonly accountId: string
  /**
   * Whether LivePerson confirmed that it ended the user's sessions; `null` if it was not asked to.
   */
  readonly revoked: boolean | null
  /** Why `revoked` is false. */
  readonly revocationError?: LeAuthError
}
