import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestInit, Response } from 'undici'
import { leAuthError, LeAuthError } from '../errors.js'
import type { ServiceCall } from '../liveperson/service-fetch.js'
import type { User } from '../sentinel/claims.js'
import type { SessionLogin } from '../session/login-session.js'
import type { Refresh } from '../tokens/refresh.js'
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

  /** One refresh serves one request, however short the new token's life is, and however long an outage lasts. */
  #refreshed = false

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
   * @throws LE_AUTH_SESSION_ENDED, LE_AUTH_REFRESH_UNAVAILABLE, LE_AUTH_STORE_UNAVAILABLE
   */
  async getAccessToken (): Promise<string> {
    await Authentication.refreshDue(this)
    if (this.#record === null) throw leAuthError('LE_AUTH_SESSION_ENDED')
    const tokens = await this.#with.tokenSets.open(this.#login.tokenSetId, this.#record)
    if (tokens === null) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'not_sealed_here' })
    return tokens.accessToken
  }

  /**
   * Calls a LivePerson service as the user. The host comes from the Domain API; the token goes to no other.
   *
   * @param service the service's name in the Domain API, such as `accountConfigReadOnly`
   * @param path from the slash on, such as `/api/account/{accountId}/configuration/le-users/users`
   * @param init as for `fetch`
   * @throws LE_AUTH_SERVICE_PATH_INVALID, LE_AUTH_SERVICE_REDIRECTED, LE_AUTH_SERVICE_UNAVAILABLE, the Domain API's errors,
   * and those of `getAccessToken`
   */
  async fetch (service: string, path: string, init: RequestInit = {}): Promise<Response> {
    const accessToken = await this.getAccessToken()
    return this.#with.callService({ accountId: this.accountId, service, path, accessToken, init })
  }

  /**
   * Logs the user out of this app, and with `revoke` out of all LivePerson applications. For a route of the app's own;
   * guard it against requests from other sites, as POST /logout is.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, LE_AUTH_SESSION_ENDED
   */
  async logout (options: LogoutOptions = {}): Promise<LogoutResult> {
    if (this.#record === null) throw leAuthError('LE_AUTH_SESSION_ENDED')
    const record = this.#record
    const result = await this.#with.logout(this.#request, this.#reply, this.#login, record, options)
    this.#record = null
    return result
  }

  /** A promise while the access token has to be refreshed, `null` when there is nothing to wait for. */
  static refreshDue (authentication: Authentication): Promise<void> | null {
    const record = authentication.#record
    if (record === null || authentication.#refreshed || authentication.#with.now() < record.refreshAt) return null
    return authentication.#refresh(record)
  }

  async #refresh (usedRecord: TokenSetRecord): Promise<void> {
    const { accountId, tokenSetId, user } = this.#login
    try {
      this.#record = await this.#with.refresh({ store: this.#request.sessionStore, accountId, userId: user.id, tokenSetId, usedRecord })
    } catch (error) {
      // A token whose end was never told counts as alive until Sentinel says otherwise.
      if ((error as LeAuthError).code !== 'LE_AUTH_REFRESH_UNAVAILABLE' || usedRecord.expiresAt !== null) throw error
    }
    this.#refreshed = true
  }
}
