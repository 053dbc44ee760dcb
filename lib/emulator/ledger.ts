import type { AuthorizationRequest } from './authorize/authorization-request.ts'
import { ExpiringMap } from './expiring-map.ts'

/** The login of a user at Sentinel, in one browser. */
export interface SsoSession {
  readonly accountId: string
  readonly userId: string
}

/**
 * The access that a user gave to an application by one authorization code. All tokens that follow
 * from the code share it: they are one family.
 */
export interface Grant extends SsoSession {
  readonly clientId: string
  /** The single sign-on session of the authorization request. Every refresh extends it. */
  readonly ssoId: string
}

/** An issued authorization code. */
export interface IssuedCode {
  readonly grant: Grant
  readonly request: AuthorizationRequest
  used: boolean
}

/** An issued refresh token. */
export interface IssuedRefreshToken {
  readonly grant: Grant
  /** Whether a refresh has replaced it with another refresh token. */
  replaced: boolean
}

/** An authorization request whose user is on the login page. */
export interface PendingLogin {
  readonly request: AuthorizationRequest
  /** The `ibs_id` of the browser that started it. */
  readonly browserId: string
}

/** Everything that the emulator has issued and that has not expired, in memory only. */
export class Ledger {
  readonly codes: ExpiringMap<IssuedCode>
  readonly accessTokens: ExpiringMap<Grant>
  readonly refreshTokens: ExpiringMap<IssuedRefreshToken>
  readonly ssoSessions: ExpiringMap<SsoSession>
  readonly pendingLogins: ExpiringMap<PendingLogin>
  /** The issued `ibs_id` values, so that two tabs of a browser share one. */
  readonly browsers: ExpiringMap<true>

  /** @param now the clock, in ms */
  constructor(now: () => number) {
    this.codes = new ExpiringMap(now)
    this.accessTokens = new ExpiringMap(now)
    this.refreshTokens = new ExpiringMap(now)
    this.ssoSessions = new ExpiringMap(now)
    this.pendingLogins = new ExpiringMap(now)
    this.browsers = new ExpiringMap(now)
  }

  /** Ends the access tokens of one user, or of all users. */
  endAccessTokens(userId?: string): void {
    this.accessTokens.deleteWhere(grant => userId === undefined || grant.userId === userId)
  }

  /** Ends the refresh tokens of one user, or of all users. */
  endRefreshTokens(userId?: string): void {
    this.refreshTokens.deleteWhere(({ grant }) => userId === undefined || grant.userId === userId)
  }

  /** Ends all tokens of a grant. */
  endGrant(grant: Grant): void {
    this.accessTokens.deleteWhere(other => other === grant)
    this.refreshTokens.deleteWhere(token => token.grant === grant)
  }

  /** Ends all codes, tokens and sessions of a user, in every application and browser. */
  endUser(accountId: string, userId: string): void {
    const isTheirs = (session: SsoSession) =>
      session.accountId === accountId && session.userId === userId
    this.codes.deleteWhere(({ grant }) => isTheirs(grant))
    this.accessTokens.deleteWhere(isTheirs)
    this.refreshTokens.deleteWhere(({ grant }) => isTheirs(grant))
    this.ssoSessions.deleteWhere(isTheirs)
  }
}
