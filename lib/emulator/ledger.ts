import type { AuthorizationRequest } from './authorize/authorization-request.js'
import { ExpiringMap } from './expiring-map.js'

/** Who is signed in, in one browser. */
export interface SsoSession {
  readonly accountId: string
  readonly userId: string
}

/** What one user allowed one application, by one authorization code: the family of all tokens that follow from it. */
export interface Grant extends SsoSession {
  readonly clientId: string
  /** The single sign-on session it came from, which every refresh extends. */
  readonly ssoId: string
}

/** An authorization code that was given out. */
export interface IssuedCode {
  readonly grant: Grant
  readonly request: AuthorizationRequest
  used: boolean
}

/** A refresh token that was given out. */
export interface IssuedRefreshToken {
  readonly grant: Grant
  /** Whether a refresh has put another in its place. */
  replaced: boolean
}

/** An authorization request that waits on the login page. */
export interface PendingLogin {
  readonly request: AuthorizationRequest
  /** The `ibs_id` of the browser that began it. */
  readonly browserId: string
}

/** Everything the emulator has given out and still remembers, in memory only. */
export class Ledger {
  readonly codes: ExpiringMap<IssuedCode>
  readonly accessTokens: ExpiringMap<Grant>
  readonly refreshTokens: ExpiringMap<IssuedRefreshToken>
  readonly ssoSessions: ExpiringMap<SsoSession>
  readonly pendingLogins: ExpiringMap<PendingLogin>
  /** The `ibs_id` values given out, so that two tabs of a browser share one. */
  readonly browsers: ExpiringMap<true>

  constructor (now: () => number) {
    this.codes = new ExpiringMap(now)
    this.accessTokens = new ExpiringMap(now)
    this.refreshTokens = new ExpiringMap(now)
    this.ssoSessions = new ExpiringMap(now)
    this.pendingLogins = new ExpiringMap(now)
    this.browsers = new ExpiringMap(now)
  }

  /** Ends the access tokens of a user, or of everybody. */
  endAccessTokens (userId?: string): void {
    this.accessTokens.deleteWhere(grant => userId === undefined || grant.userId === userId)
  }

  /** Ends the refresh tokens of a user, or of everybody. */
  endRefreshTokens (userId?: string): void {
    this.refreshTokens.deleteWhere(({ grant }) => userId === undefined || grant.userId === userId)
  }

  /** Ends every token of one grant. */
  endGrant (grant: Grant): void {
    this.accessTokens.deleteWhere(other => other === grant)
    this.refreshTokens.deleteWhere(token => token.grant === grant)
  }

  /** Ends all that a user of an account has, in every application and browser. */
  endUser (accountId: string, userId: string): void {
    const isTheirs = (one: SsoSession) => one.accountId === accountId && one.userId === userId
    this.codes.deleteWhere(({ grant }) => isTheirs(grant))
    this.accessTokens.deleteWhere(isTheirs)
    this.refreshTokens.deleteWhere(({ grant }) => isTheirs(grant))
    this.ssoSessions.deleteWhere(isTheirs)
  }
}
