import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestInit, Response } from 'undici'
import { leAuthError, type LeAuthError } from '../errors.js'
import { isRepeatable, type ServiceCall } from '../liveperson/service-fetch.js'
import type { User } from '../sentinel/claims.js'
import type { SessionLogin } from '../session/login-session.js'
import type { Refresh } from '../tokens/refresh.js'
import type { TokenSet } from '../tokens/token-set.js'
import type { TokenSetRecord, TokenSetStore } from '../tokens/token-set-store.js'
import type { Logout, LogoutOptions, LogoutResult } from './logout.js'

/** What an authentication needs of the plugin to act; the same for all requests. */
export interface Collaborators {
  tokenSets: TokenSetStore
  refresh: Refresh
  callService: (call: ServiceCall) => Promise<Response>
  logout: Logout
  now: () => number
}

/** What `request.leAuth.getAccessToken` takes. */
export interface AccessTokenOptions {
  /**
   * How long the token should live at least, in ms; one that ends sooner is refreshed first. Without effect where Sentinel
   * does not tell when tokens end, or gives shorter ones: `expiresAt` says what it is.
   * @default 0
   */
  minTtl?: number | undefined
}

/** A token that a service refuses although it is younger than this is not refreshed for it, in ms: the service means something else. */
const YOUNG = 60 * 1000

/** `request.leAuth`: who is logged in, and what the app can do for them. Turned into text, it shows no token. */
export class Authentication {
  /** Who is logged in. */
  readonly user: User
  /** The LivePerson account that the user logged in to. */
  readonly accountId: string
  readonly #login: SessionLogin
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #with: Collaborators
  /** `null` after a logout. */
  #record: TokenSetRecord | null

  constructor (login: SessionLogin, record: TokenSetRecord, request: FastifyRequest, reply: FastifyReply, collaborators: Collaborators) {
    this.user = login.user
    this.accountId = login.accountId
    this.#login = login
    this.#record = record
    this.#request = request
    this.#reply = reply
    this.#with = collaborators
  }

  /** When the user logged in. */
  get loggedInAt (): Date {
    return new Date(this.#login.loggedInAt)
  }

  /** When the access token ends; `null` where Sentinel did not tell. It is refreshed before it is used after that. */
  get expiresAt (): Date | null {
    const expiresAt = this.#record?.expiresAt ?? null
    return expiresAt === null ? null : new Date(expiresAt)
  }

  /**
   * The user's access token, refreshed first where it has ended. Keep it on the server.
   *
   * @throws LE_AUTH_SESSION_ENDED, LE_AUTH_REFRESH_UNAVAILABLE, LE_AUTH_STORE_UNAVAILABLE, LE_AUTH_MIN_TTL_INVALID
   */
  async getAccessToken ({ minTtl = 0 }: AccessTokenOptions = {}): Promise<string> {
    if (!Number.isFinite(minTtl) || minTtl < 0) throw leAuthError('LE_AUTH_MIN_TTL_INVALID')
    await Authentication.keepFresh(this, minTtl)
    return (await this.#tokens()).accessToken
  }

  /**
   * Gets new tokens from Sentinel now, however long the present ones would live. Who the user is stays as it was at the login.
   *
   * @throws LE_AUTH_SESSION_ENDED, LE_AUTH_REFRESH_UNAVAILABLE, LE_AUTH_STORE_UNAVAILABLE
   */
  async refresh (): Promise<void> {
    await this.#refresh(this.#living())
  }

  /**
   * Calls a LivePerson service as the user. The host comes from the Domain API; the token goes to no other. Where the
   * service answers 401, the tokens are refreshed and the call is repeated, once, unless its body is a stream.
   *
   * @param service the service's name in the Domain API, such as `accountConfigReadOnly`
   * @param path from the slash on, such as `/api/account/{accountId}/configuration/le-users/users`
   * @param init as for `fetch`
   * @throws LE_AUTH_SERVICE_PATH_INVALID, LE_AUTH_SERVICE_REDIRECTED, LE_AUTH_SERVICE_UNAVAILABLE, the Domain API's errors,
   * and those of `getAccessToken`
   */
  async fetch (service: string, path: string, init: RequestInit = {}): Promise<Response> {
    const call = { accountId: this.accountId, service, path, init }
    const accessToken = await this.getAccessToken()
    const response = await this.#with.callService({ ...call, accessToken })
    if (response.status !== 401) return response
    const newer = await this.#tokenAfterRefusal(accessToken).catch(async error => {
      // Without a repetition the refresh is for the next call alone.
      if (!isRepeatable(init)) return null
      await response.body?.cancel()
      throw error
    })
    if (newer === null || !isRepeatable(init)) return response
    await response.body?.cancel()
    // RFC 9110 §15.5.2: a request that was answered 401 has not been applied.
    return this.#with.callService({ ...call, accessToken: newer })
  }

  /**
   * Logs the user out of this app, and with `revoke` out of all LivePerson applications. For a route of the app's own;
   * guard it against requests from other sites, as POST /logout is.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, LE_AUTH_SESSION_ENDED
   */
  async logout (options: LogoutOptions = {}): Promise<LogoutResult> {
    const record = this.#record
    if (record === null) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
    const result = await this.#with.logout(this.#request, this.#reply, this.#login, record, options)
    this.#record = null
    return result
  }

  /**
   * Refreshes an access token that is due: behind the request while the token lives, and before it where the token has ended.
   *
   * @param minTtl how long it should live at least, in ms
   * @returns a promise while there is something to wait for, `null` when there is not
   */
  static keepFresh (authentication: Authentication, minTtl = 0): Promise<void> | null {
    const record = authentication.#record
    if (record === null) return null
    const now = authentication.#with.now()
    const end = record.expiresAt ?? Infinity
    if (now < record.refreshAt && now + minTtl < end) return null
    if (now >= end) return authentication.#refresh(record)
    // From here on the token at hand lives, whatever comes of it.
    if (now + minTtl >= end) return authentication.#refresh(record).catch(() => {})
    // Who need not wait does not: each request that did would be kept in memory until Sentinel answers.
    if (authentication.#with.refresh.mayBegin(authentication.#login.tokenSetId)) authentication.#refresh(record).catch(() => {})
    return null
  }

  async #refresh (usedRecord: TokenSetRecord): Promise<void> {
    const { accountId, tokenSetId, user } = this.#login
    const { sessionStore: store, log } = this.#request
    try {
      this.#record = await this.#with.refresh.refresh({ store, accountId, userId: user.id, tokenSetId, usedRecord, log })
    } catch (error) {
      // Also where nobody waits: a request that goes on for hours must not act for a user who has logged out.
      if ((error as LeAuthError).code === 'LE_AUTH_SESSION_ENDED') this.#record = null
      throw error
    }
  }

  /** What to repeat a refused call with; `null` where a newer token could not help. */
  async #tokenAfterRefusal (refused: string): Promise<string | null> {
    const { accessToken, issuedAt, refreshToken } = await this.#tokens()
    // A refresh behind this request was quicker.
    if (accessToken !== refused) return accessToken
    if (refreshToken === undefined || this.#with.now() - issuedAt < YOUNG) return null
    await this.refresh()
    return (await this.#tokens()).accessToken
  }

  async #tokens (): Promise<TokenSet> {
    const tokens = await this.#with.tokenSets.open(this.#login.tokenSetId, this.#living())
    if (tokens !== null) return tokens
    // A refresh finds the same and ends the login, unless another process has meanwhile written what does open.
    await this.refresh()
    return this.#tokens()
  }

  #living (): TokenSetRecord {
    const record = this.#record
    if (record === null || this.#with.tokenSets.hasEnded(this.#login.tokenSetId)) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
    if (this.#with.now() >= record.endsAt) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'absolute_lifetime' })
    return record
  }
}
