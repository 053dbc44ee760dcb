import type { Clock } from '../clock.ts'
import type { EventLog } from '../diagnostics.ts'
import { leAuthError, type LeAuthError, type LoginEndReason } from '../errors.ts'
import type { TokenSet } from '../sentinel/token-set.ts'
import type { KnownLogins } from './known-logins.ts'
import { keyOf } from './login-key.ts'
import type { Login } from './login.ts'
import type { LoginRecords, OpenedTokens } from './login-records.ts'

/** What an operator should know about an end, by its reason. */
const MESSAGES: Partial<Record<LoginEndReason, string>> = {
  response_lost:
    'login has ended: the response to its last refresh was lost, ' +
    'and its old refresh token is no longer valid',
  not_sealed_here:
    'login has ended: its tokens were changed, or sealed with a secret that is not in ' +
    'the option secret'
}
/** These ends are normal, so they are logged as info. */
const EXPECTED: LoginEndReason[] = [
  'logged_out',
  'replaced',
  'idle_lifetime',
  'absolute_lifetime',
  'invalid_grant'
]

/** What came of a revocation. */
export interface RevocationResult {
  /** Whether Sentinel confirmed the revocation; `null` if it was not requested. */
  revoked: boolean | null
  /** Why `revoked` is false. */
  revocationError?: LeAuthError
}

interface LoginEndsParts {
  records: LoginRecords
  known: KnownLogins
  clock: Clock
  sentinel: {
    /** @throws LE_AUTH_REVOCATION_FAILED */
    revokeToken: (accountId: string, refreshToken: string) => Promise<void>
  }
}

/**
 * How a login ends: by a logout, by another login in its place, by time, or because Sentinel
 * refused to refresh its tokens. It ends in this process at once, for all requests that hold it,
 * and in the store by the removal of its record. Other processes find the record gone.
 */
export class LoginEnds {
  readonly #with: LoginEndsParts

  constructor(parts: LoginEndsParts) {
    this.#with = parts
  }

  /**
   * Why a login is over, for code that is about to act with it; `null` while it lives. Reads the
   * store only if the login seems idle, because another process may have seen a request.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async reasonOf(login: Login): Promise<LoginEndReason | null> {
    const { clock, records } = this.#with
    const reason = login.over(clock.now())
    if (reason !== 'idle_lifetime' || login.hasEnded || !records.shared) return reason
    // No activity counts as 0.
    login.activeSince(Number(await records.findActivity(login.key)))
    return login.over(clock.now())
  }

  /**
   * Whether a login still exists, so that no other process has ended it. @throws
   * LE_AUTH_STORE_UNAVAILABLE
   */
  async isThere(login: Login): Promise<boolean> {
    return !login.isCommitted || this.#with.records.hasLogin(login.key)
  }

  /**
   * Ends a login in this process and in the store.
   *
   * @param revoke whether its tokens are to be revoked
   * @returns the newest tokens, if they are to be revoked
   * @throws LE_AUTH_STORE_UNAVAILABLE; in this process it has ended all the same
   */
  async end(login: Login, reason: LoginEndReason, revoke = false): Promise<OpenedTokens | null> {
    login.end(reason)
    return this.#with.records.destroy(login.key, revoke)
  }

  /**
   * Ends a login without waiting for the store. A record that
   * stays there expires by itself.
   */
  endInBackground(login: Login, reason: LoginEndReason): void {
    this.end(login, reason).catch(() => {})
  }

  /**
   * Removes what the store still has of a login that is over, by the id in its cookie.
   *
   * @returns the newest tokens, if there are any and they are to be revoked
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async endById(id: string, revoke: boolean): Promise<OpenedTokens | null> {
    const key = keyOf(id)
    this.#with.known.get(key)?.end('logged_out')
    // Anybody can invent an id, so nothing is written if the store has no tokens for it.
    const hasTokens = revoke && (await this.#with.records.findTokens(key)) !== null
    return this.#with.records.destroy(key, hasTokens)
  }

  /**
   * Revokes the tokens of a login that has ended. Never rejects.
   *
   * @param tokens the newest tokens in the store. This process may have tokens that it has not
   * stored yet, and another process may have refreshed since, so either may be the newest, and both
   * are revoked
   */
  async revoke({ facts, refreshState }: Login, tokens: TokenSet | null): Promise<RevocationResult> {
    const candidates = [refreshState.unsaved?.issued.refreshToken, tokens?.refreshToken]
    const refreshTokens = new Set(candidates.filter(token => token !== undefined))
    if (refreshTokens.size === 0) {
      const reason = 'no_refresh_token'
      return {
        revoked: false,
        revocationError: leAuthError('LE_AUTH_REVOCATION_FAILED', { reason })
      }
    }
    return this.#revokeAll(facts.accountId, [...refreshTokens])
  }

  /** Revokes a token of a login that this process does not know. Never rejects. */
  async revokeToken(accountId: string, refreshToken: string): Promise<RevocationResult> {
    return this.#revokeAll(accountId, [refreshToken])
  }

  async #revokeAll(accountId: string, refreshTokens: string[]): Promise<RevocationResult> {
    try {
      await Promise.all(
        refreshTokens.map(token => this.#with.sentinel.revokeToken(accountId, token))
      )
      return { revoked: true }
    } catch (error) {
      return { revoked: false, revocationError: error as LeAuthError }
    }
  }
}

/** Tells the operator that a login has ended, other than by a logout here. */
export function logEnd(log: EventLog, login: Login, reason: LoginEndReason): void {
  const level = EXPECTED.includes(reason) ? 'info' : 'warn'
  const facts = { event: 'login_ended', ...login.subject, reason }
  log[level]({ leAuth: facts }, MESSAGES[reason] ?? 'login has ended')
}

/** Tells the operator that tokens of an ended login are still valid at LivePerson. */
export function logFailedRevocation(
  log: EventLog,
  { code, reason }: LeAuthError,
  subject: object = {}
): void {
  const facts = { event: 'revocation_failed', ...subject, code, reason }
  log.warn({ leAuth: facts }, 'tokens of a login that has ended could not be revoked')
}
