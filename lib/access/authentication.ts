import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestInit, Response } from 'undici'
import type { Clock } from '../clock.js'
import { leAuthError } from '../errors.js'
import { isRepeatable } from '../liveperson/repeatable.js'
import type { ServiceCall } from '../liveperson/service-fetch.js'
import type { KnownTokens, Login } from '../logins/login.js'
import type { OpenedTokens } from '../logins/login-records.js'
import type { Logins } from '../logins/logins.js'
import type { User } from '../sentinel/claims.js'
import { freshness, YOUNG } from '../tokens/freshness.js'
import type { Refresh } from '../tokens/refresh.js'
import type { Wanted } from '../tokens/renewal.js'
import type { Logout, LogoutOptions, LogoutResult } from './logout.js'

/** What an authentication needs of the plugin to act; the same for all requests. */
export interface Collaborators {
  logins: Logins
  refresh: Refresh
  callService: (call: ServiceCall) => Promise<Response>
  logout: Logout
  clock: Clock
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

/** `request.leAuth`: who is logged in, and what the app can do for them. Turned into text, it shows no token. */
export class Authentication {
  /** Who is logged in. Frozen, with all that is in it. */
  readonly user: Readonly<User>
  /** The LivePerson account that the user logged in to. */
  readonly accountId: string
  readonly #login: Login
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #with: Collaborators

  constructor (login: Login, request: FastifyRequest, reply: FastifyReply, collaborators: Collaborators) {
    this.user = login.facts.user
    this.accountId = login.facts.accountId
    this.#login = login
    this.#request = request
    this.#reply = reply
    this.#with = collaborators
  }

  /** When the user logged in. */
  get loggedInAt (): Date {
    return new Date(this.#login.facts.loggedInAt)
  }

  /** When the access token expires; `null` if Sentinel did not tell. It is refreshed before it is used after that. */
  get expiresAt (): Date | null {
    const expiresAt = this.#login.hasEnded ? null : this.#login.tokens!.expiresAt
    return expiresAt === null ? null : new Date(expiresAt)
  }

  /**
   * Aborts when the login is over: at once if it ends in this process, within a minute if it ends in another, and when it
   * expires. For handlers that stay open, such as server-sent events or a WebSocket.
   */
  get signal (): AbortSignal {
    return this.#with.logins.signalOf(this.#login)
  }

  /**
   * The user's access token, refreshed first if it has expired. Keep it on the server.
   *
   * @throws LE_AUTH_SESSION_ENDED, LE_AUTH_REFRESH_UNAVAILABLE, LE_AUTH_STORE_UNAVAILABLE, LE_AUTH_MIN_TTL_INVALID
   */
  async getAccessToken ({ minTtl = 0 }: AccessTokenOptions = {}): Promise<string> {
    if (!Number.isFinite(minTtl) || minTtl < 0) throw leAuthError('LE_AUTH_MIN_TTL_INVALID')
    await this.#assertAlive()
    await Authentication.keepFresh(this, minTtl)
    return (await this.#tokens()).accessToken
  }

  /**
   * Gets new tokens from Sentinel now, however long the present ones would live. Who the user is stays as it was at the login.
   *
   * @throws LE_AUTH_SESSION_ENDED, LE_AUTH_REFRESH_UNAVAILABLE, LE_AUTH_STORE_UNAVAILABLE
   */
  async refresh (): Promise<void> {
    await this.#assertAlive()
    const now = this.#with.clock.now()
    await this.#refresh(other => now - other.issuedAt < YOUNG)
  }

  /**
   * Calls a LivePerson service as the user. The host comes from the Domain API; the token goes to no other. If the
   * service answers 401, the tokens are refreshed and the call is repeated, once, unless its body is a stream.
   *
   * @param service the service's name in the Domain API, such as `accountConfigReadOnly`
   * @param path from the slash on, such as `/api/account/{accountId}/configuration/le-users/users`
   * @param init as for `fetch`
   * @throws LE_AUTH_SERVICE_PATH_INVALID, LE_AUTH_SERVICE_REDIRECTED, LE_AUTH_SERVICE_UNAVAILABLE, the Domain API's errors,
   * and those of `getAccessToken`
   */
  async fetch (service: string, path: string, init: RequestInit = {}): Promise<Response> {
    let used = ''
    const getAccessToken = async (): Promise<string> => { used = await this.getAccessToken(); return used }
    const call = { accountId: this.accountId, service, path, init, getAccessToken }
    // The host is asked for before the first token.
    await this.#assertAlive()
    const response = await this.#with.callService(call)
    if (response.status !== 401) return response
    const hasNewer = await this.#hasNewerToken(used).catch(async error => {
      // Without a repetition the refresh is for the next call alone.
      if (!isRepeatable(init)) return false
      await response.body?.cancel()
      throw error
    })
    if (!hasNewer || !isRepeatable(init)) return response
    await response.body?.cancel()
    // RFC 9110 §15.5.2: a request that was answered 401 has not been applied.
    return this.#with.callService(call)
  }

  /**
   * Logs the user out of this app, and with `revoke` out of all LivePerson applications. For a route of the app's own;
   * guard it against requests from other sites, as POST /logout is.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, LE_AUTH_SESSION_ENDED
   */
  async logout (options: LogoutOptions = {}): Promise<LogoutResult> {
    await this.#assertAlive()
    return this.#with.logout(this.#request, this.#reply, this.#login, options)
  }

  /** The login behind an authentication. */
  static loginOf (authentication: Authentication): Login {
    return authentication.#login
  }

  /** Whether the login is over now, as far as this process knows. */
  static isOver (authentication: Authentication): boolean {
    return authentication.#login.over(authentication.#with.clock.now()) !== null
  }

  /**
   * Refreshes an access token that is due: behind the request while the token lives, and before it if the token has expired.
   *
   * @param minTtl how long it should live at least, in ms
   * @returns a promise while there is something to wait for, `null` when there is not
   */
  static keepFresh (authentication: Authentication, minTtl = 0): Promise<void> | null {
    switch (freshness(authentication.#known, minTtl, authentication.#with.clock.now())) {
      case 'fresh':
        return null
      case 'expired':
        return authentication.#refresh(authentication.#living)
      case 'short':
        // The token lives, whatever comes of the refresh; a login that is over is told to whoever uses it.
        return authentication.#refresh(authentication.#living).catch(() => {})
      case 'due':
        // Nobody waits: each request that did would stay in memory until Sentinel answers.
        if (authentication.#with.refresh.mayBegin(authentication.#login)) authentication.#refresh(authentication.#living).catch(() => {})
        return null
    }
  }

  get #known (): KnownTokens {
    return this.#login.tokens!
  }

  /** A token whose end was not told is good until its refresh; `null` counts as 0 here. */
  readonly #living: Wanted = ({ expiresAt, refreshAt }) => this.#with.clock.now() < Math.max(Number(expiresAt), refreshAt)

  /** @param wanted which tokens that another process has got are as good as new ones */
  #refresh (wanted: Wanted): Promise<void> {
    const { sealed } = this.#known
    return this.#with.refresh.refresh(this.#login, this.#request.log, other => other.sealed !== sealed && wanted(other))
  }

  /** Whether a call that was refused may go better with a newer token; gets one if it can. */
  async #hasNewerToken (refused: string): Promise<boolean> {
    const { accessToken, issuedAt, refreshToken } = await this.#tokens()
    // A refresh behind this request was quicker.
    if (accessToken !== refused) return true
    // The service means something else.
    if (refreshToken === undefined || this.#with.clock.now() - issuedAt < YOUNG) return false
    await this.#refresh(this.#living)
    return true
  }

  async #tokens (): Promise<OpenedTokens> {
    await this.#assertAlive()
    // Tokens that do not open count as expired, so a refresh has come before, and has ended their login.
    return this.#with.logins.openTokens(this.#login)!
  }

  async #assertAlive (): Promise<void> {
    const reason = await this.#with.logins.over(this.#login)
    if (reason !== null) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason })
  }
}
