import type { Clock } from '../clock.ts'
import { publish, type EventLog } from '../diagnostics.ts'
import { leAuthError, type LeAuthError, type LoginEndReason } from '../errors.ts'
import { logFailedRevocation, type LoginEnds } from '../logins/ends.ts'
import type { KnownTokens, Login } from '../logins/login.ts'
import type { LoginRecords, OpenedTokens, StoredTokens } from '../logins/login-records.ts'
import type { LoginTokens } from '../logins/login-tokens.ts'
import { RefreshError } from '../sentinel/refresh-error.ts'
import type { RefreshRequest } from '../sentinel/refresh-tokens.ts'
import type { TokenSet } from '../sentinel/token-set.ts'
import { meaningOfRefusal, RETRY_REFUSAL_AFTER } from './refusal.ts'

/** Whether tokens are good enough for a request. If the store has such tokens, they are used. */
export type Accepts = (tokens: KnownTokens) => boolean

/** The loser of a race looks for the winner's tokens after these pauses, in ms: 5 s in all. */
const WINNER_PAUSES = [0, 100, 300, 600, 1000, 1500, 1500]
/** A store that fails is given new tokens again after these pauses, in ms. */
const STORE_PAUSES = [300, 1700]

/** What a refresh needs of the plugin. */
export interface RefreshParts {
  ends: LoginEnds
  records: LoginRecords
  tokens: LoginTokens
  sentinel: {
    /** @throws RefreshError */
    refreshTokens: (accountId: string, request: RefreshRequest) => Promise<TokenSet>
  }
  /** Whether another process may use the same refresh token at the same time, and win. */
  mayLose: boolean
  clock: Clock
}

/** One refresh of one login's tokens. */
export class Refresh {
  readonly #with: RefreshParts
  readonly #login: Login
  readonly #log: EventLog
  readonly #accepts: Accepts

  /**
   * @param accepts decides which tokens, stored by another process, can be used instead of new ones
   */
  constructor(parts: RefreshParts, login: Login, log: EventLog, accepts: Accepts) {
    this.#with = parts
    this.#login = login
    this.#log = log
    this.#accepts = accepts
  }

  /**
   * Gets new tokens and stores them, or takes those that another process has stored.
   *
   * @throws RefreshError if a later attempt may work
   * @throws LE_AUTH_LOGIN_REQUIRED if the login is over
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async run(): Promise<void> {
    // 1. Read the store. Another process may have stored acceptable tokens.
    const old = await this.#readStore()
    if (this.#adopt(old)) return
    const { subject } = this.#login
    const startedAt = this.#with.clock.now()
    const refreshToken = await this.#refreshTokenOf(old)
    publish('fastify-le-auth:refresh:started', subject)
    // 2. Send the refresh token to Sentinel. Another process may have been faster.
    const issued = await this.#request(old, refreshToken)
    // 3. Store the new tokens. 4. Check that the login is still there.
    if (issued !== null) await this.#store(old, issued)
    const duration = this.#with.clock.now() - startedAt
    publish('fastify-le-auth:refresh:succeeded', { ...subject, duration })
  }

  /** Takes acceptable tokens that another process has stored. @throws LE_AUTH_STORE_UNAVAILABLE */
  async adoptStored(accepts: Accepts = this.#accepts): Promise<boolean> {
    const stored = await this.#with.records.findTokens(this.#login.key)
    return stored !== null && this.#adopt(stored, accepts)
  }

  #adopt({ sealed, opened }: StoredTokens, accepts: Accepts = this.#accepts): boolean {
    if (opened === null || !accepts({ ...opened, sealed })) return false
    const { issuedAt, expiresAt, refreshAt } = opened
    this.#login.tokens = { sealed, issuedAt, expiresAt, refreshAt }
    return true
  }

  async #readStore(): Promise<StoredTokens> {
    const stored = await this.#with.records.findAll(this.#login.key)
    if (stored.login === null && this.#login.isCommitted) return this.#endAsGone()
    return stored.tokens ?? this.#end('tokens_missing')
  }

  async #refreshTokenOf({ opened }: StoredTokens): Promise<string> {
    if (opened === null) return this.#end('not_sealed_here')
    return opened.refreshToken ?? this.#withoutRefreshToken(opened)
  }

  /** Without a refresh token, a login ends when its access token expires. */
  async #withoutRefreshToken({ expiresAt }: OpenedTokens): Promise<never> {
    const now = this.#with.clock.now()
    if (expiresAt !== null && now >= expiresAt) return this.#end('no_refresh_token')
    const wait = expiresAt === null ? null : expiresAt - now
    throw new RefreshError('unavailable', 'no_refresh_token', wait)
  }

  /** The new tokens; `null` if another process was faster, and its tokens are taken. */
  async #request(old: StoredTokens, refreshToken: string): Promise<TokenSet | null> {
    const {
      facts: { accountId, user },
      refreshState
    } = this.#login
    // Sentinel has already issued them, but the store did not confirm them. If the store has other
    // tokens by now, they are newer: a write took effect after all, or another process went on.
    const { unsaved } = refreshState
    if (unsaved?.replaces === old.sealed) return unsaved.issued
    const request = { refreshToken, userId: user.id, now: this.#with.clock.now() }
    try {
      return await this.#with.sentinel.refreshTokens(accountId, request)
    } catch (error) {
      if (!(error instanceof RefreshError) || !error.isRefusal) throw error
      if (await this.#foundWinner(old)) return null
      return this.#refused(old, error)
    }
  }

  async #foundWinner(old: StoredTokens): Promise<boolean> {
    for (const pause of this.#with.mayLose ? WINNER_PAUSES : [0]) {
      if (pause > 0) await this.#with.clock.wait(pause)
      if (await this.adoptStored(({ sealed }) => sealed !== old.sealed)) return true
    }
    return false
  }

  async #refused({ opened }: StoredTokens, { failure, reason }: RefreshError): Promise<never> {
    const { refreshState } = this.#login
    const now = this.#with.clock.now()
    const meaning = meaningOfRefusal(failure, refreshState, opened!.expiresAt, now)
    if (meaning === 'retry') throw new RefreshError('refused', reason, RETRY_REFUSAL_AFTER)
    // Sentinel refuses with an OAuth error or a status, and both are reasons for an end.
    return this.#end(refreshState.responseLost ? 'response_lost' : (reason as LoginEndReason))
  }

  /**
   * Stores new tokens, and tries again if the store fails. Until it works, they stay in this
   * process: the old refresh token in the store may be dead by now.
   */
  async #store(old: StoredTokens, issued: TokenSet): Promise<void> {
    this.#login.refreshState.unsaved = { issued, replaces: old.sealed }
    const tokens = this.#with.tokens.seal(this.#login, issued)
    let failure = await this.#write(tokens)
    for (const pause of STORE_PAUSES) {
      if (failure === null) return
      await this.#with.clock.wait(pause)
      failure = await this.#writeAgain(old, tokens)
    }
    if (failure !== null) throw failure
  }

  /** @returns the store's failure, or `null`. @throws LE_AUTH_LOGIN_REQUIRED */
  #write(tokens: KnownTokens): Promise<LeAuthError | null> {
    const login = this.#login
    const { ends, records } = this.#with
    return storeFailureOf(async () => {
      await records.writeTokens(login.key, tokens, login.facts.endsAt)
      if (!(await ends.isThere(login))) return this.#endAsGone(tokens)
      login.tokens = tokens
      // A logout in this process is pending. If the store fails it, `login` stays there, and nobody
      // else revokes these tokens.
      if (login.hasEnded) await this.#revokeIfRequested()
    })
  }

  /**
   * Looks before it writes: the attempt before may have taken effect although it failed, and
   * another process may have refreshed from it. Its tokens are taken then, because these are dead.
   *
   * @returns the store's failure; `null` if the store has these tokens or newer ones
   */
  async #writeAgain(old: StoredTokens, tokens: KnownTokens): Promise<LeAuthError | null> {
    let isReplaced = false
    const failure = await storeFailureOf(async () => {
      isReplaced = await this.adoptStored(
        ({ sealed }) => sealed !== old.sealed && sealed !== tokens.sealed
      )
    })
    if (failure !== null) return failure
    return isReplaced ? null : this.#write(tokens)
  }

  /**
   * The login has ended meanwhile. Its new tokens are revoked if the logout wanted that, and
   * removed from the store unless another process has replaced them: that process removes its own.
   *
   * @param written the tokens that this refresh has written, if any
   * @throws LE_AUTH_LOGIN_REQUIRED always, or LE_AUTH_STORE_UNAVAILABLE
   */
  async #endAsGone(written?: KnownTokens): Promise<never> {
    const { key, refreshState } = this.#login
    const { records } = this.#with
    await this.#revokeIfRequested()
    refreshState.unsaved = null
    this.#login.end('logged_out')
    const stored = written === undefined ? null : await records.findTokens(key)
    if (stored !== null && stored.sealed === written?.sealed) await records.destroyTokens(key)
    throw leAuthError('LE_AUTH_LOGIN_REQUIRED', { reason: 'logged_out' })
  }

  async #revokeIfRequested(): Promise<void> {
    const { facts, key, refreshState, subject } = this.#login
    const refreshToken = refreshState.unsaved?.issued.refreshToken
    if (refreshToken === undefined || !(await this.#with.records.isToBeRevoked(key))) return
    const { revocationError } = await this.#with.ends.revokeToken(facts.accountId, refreshToken)
    if (revocationError !== undefined) logFailedRevocation(this.#log, revocationError, subject)
  }

  async #end(reason: LoginEndReason): Promise<never> {
    // It has ended in this process whatever the store says. Another one finds out by its own
    // refresh.
    await this.#with.ends.end(this.#login, reason).catch(() => {})
    throw leAuthError('LE_AUTH_LOGIN_REQUIRED', { reason })
  }
}

async function storeFailureOf(work: () => Promise<void>): Promise<LeAuthError | null> {
  try {
    await work()
    return null
  } catch (error) {
    if ((error as LeAuthError).code !== 'LE_AUTH_STORE_UNAVAILABLE') throw error
    return error as LeAuthError
  }
}
