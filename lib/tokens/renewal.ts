import type { Clock } from '../clock.js'
import { publish } from '../diagnostics.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { EndReason, KnownTokens, Login } from '../logins/login.js'
import type { LoginRecords, OpenedTokens, StoredTokens } from '../logins/login-records.js'
import type { Logins } from '../logins/logins.js'
import { RefreshError } from '../sentinel/refresh-error.js'
import type { TokenSet } from '../sentinel/token-set.js'
import { whoseOf, type RefreshLog } from './refresh-log.js'

/** Whether tokens are what a request wants; if the store has such tokens, Sentinel is not asked. */
export type Wanted = (tokens: KnownTokens) => boolean

/** How long the loser of a race waits for the winner's tokens to be stored, from look to look, in ms: five seconds in all. */
const LOOKS_FOR_WINNER = [0, 100, 300, 600, 1000, 1500, 1500]
/** How long new tokens wait before they are given once more to a store that did not take them, in ms. */
const STORE_RETRIES = [300, 1700]
/** A refusal that may mean anything is tried once more after this, in ms; the second in a row ends the login. */
const AFTER_REFUSAL = 30 * 1000

/** What a renewal needs of the plugin. */
export interface RenewalParts {
  logins: Logins
  records: LoginRecords
  /** Asks Sentinel for new tokens. @throws RefreshError */
  requestTokens: (accountId: string, userId: string, refreshToken: string) => Promise<TokenSet>
  /** @throws LE_AUTH_REVOCATION_FAILED */
  revoke: (accountId: string, refreshToken: string) => Promise<void>
  /** Whether another process may have used the same refresh token, and won. */
  mayLose: boolean
  clock: Clock
}

/** The steps of one refresh. */
export class Renewal {
  readonly #with: RenewalParts

  constructor (parts: RenewalParts) {
    this.#with = parts
  }

  /**
   * Gets new tokens for a login and stores them, or finds those that somebody else has stored.
   *
   * @throws RefreshError when a later try may work, LE_AUTH_SESSION_ENDED when the login is over, LE_AUTH_STORE_UNAVAILABLE
   */
  async renew (login: Login, log: RefreshLog, wanted: Wanted): Promise<void> {
    // 1. Is the login there, and does the store have what is wanted?
    const used = await this.#stored(login, log)
    if (this.#adopt(login, used, wanted)) return
    const tokens = used.opened
    if (tokens === null) return this.#end(login, 'not_sealed_here')
    if (tokens.refreshToken === undefined) return this.#lastsAsItIs(login, tokens)
    // 2. Ask Sentinel, 3. store what it gives, 4. look whether the login is still there.
    const startedAt = this.#with.clock.now()
    publish('fastify-le-auth:refresh:started', whoseOf(login))
    const fresh = await this.#exchanged(login, used, tokens as Required<OpenedTokens>)
    if (fresh !== null) await this.#store(login, log, used, fresh)
    publish('fastify-le-auth:refresh:succeeded', { ...whoseOf(login), duration: this.#with.clock.now() - startedAt })
  }

  /** Takes tokens that another process has stored, if they are what is wanted. @throws LE_AUTH_STORE_UNAVAILABLE */
  async adopted (login: Login, wanted: Wanted): Promise<boolean> {
    const stored = await this.#with.records.findTokens(login.key)
    return stored !== null && this.#adopt(login, stored, wanted)
  }

  #adopt (login: Login, { sealed, opened }: StoredTokens, wanted: Wanted): boolean {
    if (opened === null || !wanted({ ...opened, sealed })) return false
    const { issuedAt, expiresAt, refreshAt } = opened
    login.tokens = { sealed, issuedAt, expiresAt, refreshAt }
    return true
  }

  async #stored (login: Login, log: RefreshLog): Promise<StoredTokens> {
    const stored = await this.#with.records.findAll(login.key)
    if (stored.login === null && login.isCommitted) return this.#gone(login, log)
    return stored.tokens ?? this.#end(login, 'tokens_missing')
  }

  /** New tokens; `null` if another process was quicker, and its tokens are taken. */
  async #exchanged (login: Login, used: StoredTokens, { refreshToken }: Required<OpenedTokens>): Promise<TokenSet | null> {
    const { accountId, user } = login.facts
    try {
      return login.refreshMemory.unsaved ?? await this.#with.requestTokens(accountId, user.id, refreshToken)
    } catch (error) {
      if (!(error instanceof RefreshError) || !error.isRefusal) throw error
      if (await this.#foundWinner(login, used)) return null
      return this.#refused(login, used.opened!, error)
    }
  }

  async #foundWinner (login: Login, used: StoredTokens): Promise<boolean> {
    for (const pause of this.#with.mayLose ? LOOKS_FOR_WINNER : [0]) {
      if (pause > 0) await this.#with.clock.wait(pause)
      if (await this.adopted(login, ({ sealed }) => sealed !== used.sealed)) return true
    }
    return false
  }

  /**
   * What a refusal means. `invalid_grant` ends the login. Any other refusal may mean the same (PROTOCOL.md §3): the second in
   * a row ends the login, and so does the first if the access token has expired.
   */
  async #refused (login: Login, { expiresAt }: OpenedTokens, { failure, reason }: RefreshError): Promise<never> {
    const { answerLost, refused } = login.refreshMemory
    const hasExpired = expiresAt !== null && this.#with.clock.now() >= expiresAt
    if (failure === 'dead' || refused || hasExpired) return this.#end(login, answerLost ? 'answer_lost' : reason)
    throw new RefreshError('refused', reason, AFTER_REFUSAL)
  }

  /** A login without a refresh token ends with its access token, and not before. */
  async #lastsAsItIs (login: Login, { expiresAt }: OpenedTokens): Promise<never> {
    const now = this.#with.clock.now()
    if (expiresAt !== null && now >= expiresAt) return this.#end(login, 'no_refresh_token')
    throw new RefreshError('unavailable', 'no_refresh_token', expiresAt === null ? null : expiresAt - now)
  }

  /**
   * Stores new tokens, and tries again if the store fails or is silent: whoever comes next, perhaps in another process, would
   * send a refresh token that is used. Until it works, the tokens wait in this process.
   */
  async #store (login: Login, log: RefreshLog, used: StoredTokens, fresh: TokenSet): Promise<void> {
    login.refreshMemory.unsaved = fresh
    const renewed = this.#with.logins.sealTokens(login, fresh)
    let failure = await this.#write(login, log, renewed)
    for (const pause of STORE_RETRIES) {
      if (failure === null) return
      await this.#with.clock.wait(pause)
      failure = await this.#writeAgain(login, log, used, renewed)
    }
    if (failure !== null) throw failure
  }

  /** @returns the failure of the store, `null` if there was none. @throws LE_AUTH_SESSION_ENDED */
  async #write (login: Login, log: RefreshLog, renewed: KnownTokens): Promise<LeAuthError | null> {
    const { logins, records } = this.#with
    return orFailure(async () => {
      await records.writeTokens(login.key, renewed, login.facts.endsAt)
      if (!await logins.isThere(login)) return this.#gone(login, log, renewed)
      login.tokens = renewed
      // A logout in this process is pending, or the store has refused it.
      if (login.hasEnded) await this.#revokeIfAsked(login, log)
    })
  }

  /** The first try may have come about all the same, and another process gone on from it: then its tokens are taken. */
  async #writeAgain (login: Login, log: RefreshLog, used: StoredTokens, renewed: KnownTokens): Promise<LeAuthError | null> {
    let isTaken = false
    const failure = await orFailure(async () => {
      isTaken = await this.adopted(login, ({ sealed }) => sealed !== used.sealed && sealed !== renewed.sealed)
    })
    return isTaken || failure !== null ? failure : this.#write(login, log, renewed)
  }

  /**
   * The login was ended meanwhile: its new tokens are revoked if that was asked for, and removed unless somebody else has
   * replaced them by now, who looks after his own.
   */
  async #gone (login: Login, log: RefreshLog, renewed?: KnownTokens): Promise<never> {
    const { records } = this.#with
    await this.#revokeIfAsked(login, log)
    login.refreshMemory.unsaved = null
    login.end('logged_out')
    if (renewed !== undefined && (await records.findTokens(login.key))?.sealed === renewed.sealed) await records.destroyTokens(login.key)
    throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
  }

  async #revokeIfAsked (login: Login, log: RefreshLog): Promise<void> {
    const refreshToken = login.refreshMemory.unsaved?.refreshToken
    if (refreshToken === undefined || !await this.#with.records.isToBeRevoked(login.key)) return
    await this.#with.revoke(login.facts.accountId, refreshToken).catch(({ code, reason }: LeAuthError) => {
      log.warn({ leAuth: { event: 'revocation_failed', ...whoseOf(login), code, reason } }, 'tokens that came after a logout could not be revoked')
    })
  }

  async #end (login: Login, reason: EndReason): Promise<never> {
    // In this process it has ended whatever the store says; in another the next refresh finds the same.
    await this.#with.logins.end(login, reason).catch(() => {})
    throw leAuthError('LE_AUTH_SESSION_ENDED', { reason })
  }
}

async function orFailure (work: () => Promise<void>): Promise<LeAuthError | null> {
  try {
    await work()
    return null
  } catch (error) {
    if ((error as LeAuthError).code !== 'LE_AUTH_STORE_UNAVAILABLE') throw error
    return error as LeAuthError
  }
}
