import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import { leAuthError } from '../errors.ts'
import type { FetchInit } from '../http/fetch-init.ts'
import { isRepeatable } from '../liveperson/repeatable-call.ts'
import type { ServiceCall } from '../liveperson/service-fetch.ts'
import type { LoginEnds } from '../logins/ends.ts'
import type { KnownTokens, Login } from '../logins/login.ts'
import type { OpenedTokens } from '../logins/login-records.ts'
import type { LoginTokens } from '../logins/login-tokens.ts'
import type { LoginSignals } from '../logins/signals.ts'
import type { User } from '../sentinel/user.ts'
import { freshness, YOUNG } from '../tokens/freshness.ts'
import type { Accepts } from '../tokens/refresh.ts'
import type { Refresher } from '../tokens/refresher.ts'
import { minLifetimeOf, type AccessTokenOptions } from './access-token-options.ts'
import type { Logout, LogoutOptions, LogoutResult } from './logout.ts'

/** What an authentication needs of the plugin in order to act. */
export interface Collaborators {
  ends: LoginEnds
  tokens: LoginTokens
  signals: LoginSignals
  refresher: Refresher
  callService: (call: ServiceCall) => Promise<Response>
  logout: Logout
  clock: Clock
  /** Whether a refresh that is due may go on after the response. */
  backgroundWork: boolean
}

/**
 * `request.leAuth`: the user who is logged in, and what the app can do for them. Converted to text,
 * for example to JSON or in a log, it shows no token.
 */
export class Authentication {
  /** The user who is logged in. Frozen, with all that is in it. */
  readonly user: Readonly<User>
  /** The LivePerson account that the user logged in to. */
  readonly accountId: string
  readonly #login: Login
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #with: Collaborators

  constructor(
    login: Login,
    request: FastifyRequest,
    reply: FastifyReply,
    collaborators: Collaborators
  ) {
    this.user = login.facts.user
    this.accountId = login.facts.accountId
    this.#login = login
    this.#request = request
    this.#reply = reply
    this.#with = collaborators
  }

  /** When the user logged in. */
  get loggedInAt(): Date {
    return new Date(this.#login.facts.loggedInAt)
  }

  /**
   * When the access token expires; `null` if Sentinel did not say. After that, it is refreshed
   * before it is used.
   */
  get expiresAt(): Date | null {
    const expiresAt = this.#login.hasEnded ? null : this.#known.expiresAt
    return expiresAt === null ? null : new Date(expiresAt)
  }

  /**
   * Aborts when the login is over: at once if it ends in this process, within a minute if it ends
   * in another, and when it expires. For handlers that stay open, such as server-sent events or a
   * WebSocket.
   */
  get signal(): AbortSignal {
    return this.#with.signals.of(this.#login)
  }

  /**
   * The user's access token, refreshed first if it has expired. Keep it on the server.
   *
   * @throws TypeError if `minLifetime` is not a time
   * @throws LE_AUTH_LOGIN_REQUIRED, LE_AUTH_REFRESH_UNAVAILABLE, LE_AUTH_STORE_UNAVAILABLE
   */
  async getAccessToken(options: AccessTokenOptions = {}): Promise<string> {
    const minLifetime = minLifetimeOf(options)
    await this.#assertAlive()
    await Authentication.keepFresh(this, minLifetime)
    return (await this.#openTokens()).accessToken
  }

  /**
   * Gets new tokens from Sentinel now, however long the old ones would live. The user and the
   * user's rights stay as they were at the login.
   *
   * @throws LE_AUTH_LOGIN_REQUIRED, LE_AUTH_REFRESH_UNAVAILABLE, LE_AUTH_STORE_UNAVAILABLE
   */
  async refresh(): Promise<void> {
    await this.#assertAlive()
    const now = this.#with.clock.now()
    await this.#refresh(other => now - other.issuedAt < YOUNG)
  }

  /**
   * Calls a LivePerson service as the user. The host comes from the Domain API, and the token goes
   * to no other. If the service responds with 401, the tokens are refreshed and the call is
   * repeated once, unless its body is a stream.
   *
   * @param service the service's name in the Domain API, such as `accountConfigReadOnly`
   * @param path such as `/api/account/{accountId}/configuration/le-users/users`
   * @param init as for the global `fetch`, without `redirect`; undici's classes work as well
   * @throws TypeError if `service` or `path` is missing, `path` is a full URL, or a `{…}` in it is
   * not `{accountId}`
   * @throws LE_AUTH_SERVICE_REDIRECTED, LE_AUTH_SERVICE_UNAVAILABLE, the errors of the Domain API,
   * and those of `getAccessToken`
   */
  async fetch(service: string, path: string, init: FetchInit = {}): Promise<Response> {
    let used = ''
    const getAccessToken = async (): Promise<string> => {
      used = await this.getAccessToken()
      return used
    }
    const call = { accountId: this.accountId, service, path, init, getAccessToken }
    // The host is looked up before the first token is requested.
    await this.#assertAlive()
    const response = await this.#with.callService(call)
    if (response.status !== 401 || !(await this.#mayRepeat(response, used, init))) return response
    await response.body?.cancel()
    // RFC 9110 §15.5.2: a request with a 401 response has not been applied.
    return this.#with.callService(call)
  }

  /**
   * Logs the user out of this app and, with `revoke`, of all LivePerson applications. For a route
   * of the app's own, which must refuse requests from other sites as POST /logout does.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, LE_AUTH_LOGIN_REQUIRED
   */
  async logout(options: LogoutOptions = {}): Promise<LogoutResult> {
    await this.#assertAlive()
    return this.#with.logout.logOut(this.#request, this.#reply, this.#login, options)
  }

  /** The login behind an authentication. */
  static loginOf(authentication: Authentication): Login {
    return authentication.#login
  }

  /** Whether the login is over now, as far as this process knows. */
  static isOver(authentication: Authentication): boolean {
    return authentication.#login.over(authentication.#with.clock.now()) !== null
  }

  /**
   * Refreshes an access token that is due: in the background while the token lives, and before the
   * request goes on if the token has expired, or if nothing may run in the background.
   *
   * @param minLifetime how long the token should live at least, in ms
   * @returns a promise if the request has to wait, else `null`
   */
  static keepFresh(authentication: Authentication, minLifetime = 0): Promise<void> | null {
    return authentication.#keepFresh(minLifetime)
  }

  /** How long no refresh is tried because the last one has failed, in s. */
  static secondsUntilRefresh(authentication: Authentication): number {
    const { nextAttemptAt } = authentication.#login.refreshState
    return Math.max(0, Math.ceil((nextAttemptAt - authentication.#with.clock.now()) / 1000))
  }

  #keepFresh(minLifetime: number): Promise<void> | null {
    const { backgroundWork, clock, refresher } = this.#with
    switch (freshness(this.#known, minLifetime, clock.now())) {
      case 'fresh':
        return null
      case 'expired':
        return this.#refresh(this.#isAlive)
      case 'short':
        // The token lives, whatever comes of the refresh. If the login is over, its next use says
        // so.
        return this.#refresh(this.#isAlive).catch(() => {})
      case 'due': {
        if (!refresher.mayBegin(this.#login)) return null
        // Do not block requests on a background refresh: each blocked request stays in memory.
        const refresh = this.#refresh(this.#isAlive).catch(() => {})
        return backgroundWork ? null : refresh
      }
    }
  }

  get #known(): KnownTokens {
    return this.#login.tokens!
  }

  /**
   * If Sentinel did not say when a token expires, it is used until its refresh is due.
   * `Number(null)` is 0.
   */
  readonly #isAlive: Accepts = ({ expiresAt, refreshAt }) =>
    this.#with.clock.now() < Math.max(Number(expiresAt), refreshAt)

  /**
   * @param accepts decides which tokens, stored by another process, can be used instead of new ones
   */
  #refresh(accepts: Accepts): Promise<void> {
    const { sealed } = this.#known
    const { log } = this.#request
    return this.#with.refresher.refresh(
      this.#login,
      log,
      other => other.sealed !== sealed && accepts(other)
    )
  }

  /** Whether a call with a 401 response is worth repeating; refreshes the tokens if need be. */
  async #mayRepeat(response: Response, used: string, init: FetchInit): Promise<boolean> {
    const repeatable = isRepeatable(init)
    try {
      return (await this.#hasNewerToken(used)) && repeatable
    } catch (error) {
      // If the call cannot be repeated, its 401 is the result, and the refresh was for the next
      // call.
      if (!repeatable) return false
      await response.body?.cancel()
      throw error
    }
  }

  /** Whether there is a newer token than the refused one; gets one if possible. */
  async #hasNewerToken(refused: string): Promise<boolean> {
    const { accessToken, issuedAt, refreshToken } = await this.#openTokens()
    // A background refresh was faster.
    if (accessToken !== refused) return true
    // The token is new, so the 401 has another cause.
    if (refreshToken === undefined || this.#with.clock.now() - issuedAt < YOUNG) return false
    await this.#refresh(this.#isAlive)
    return true
  }

  async #openTokens(): Promise<OpenedTokens> {
    await this.#assertAlive()
    // Never null here: tokens that do not open count as expired, so a refresh was tried, and it has
    // ended the login.
    return this.#with.tokens.open(this.#login)!
  }

  async #assertAlive(): Promise<void> {
    const reason = await this.#with.ends.reasonOf(this.#login)
    if (reason !== null) throw leAuthError('LE_AUTH_LOGIN_REQUIRED', { reason })
  }
}
