import type { HttpClient } from '../http/client.js'
import type { User } from './claims.js'
import type { ClientSettings, SentinelClient } from './client.js'
import type { Sentinel } from './endpoints.js'
import type { CodeExchange } from './exchange-code.js'
import type { Refreshment } from './refresh-tokens.js'
import type { TokenSet } from './token-set.js'

type Steps = typeof import('./steps.js') & { client: SentinelClient }

/** The OAuth steps that need Sentinel's answer. They and oauth4webapi are loaded when the first login comes back. */
export class SentinelService {
  readonly #settings: ClientSettings
  readonly #http: HttpClient
  #loading: Promise<Steps> | null = null

  constructor (settings: ClientSettings, http: HttpClient) {
    this.#settings = settings
    this.#http = http
  }

  /** See authorization-response.ts. */
  async authorizationResponse (sentinel: Sentinel, parameters: URLSearchParams, state: string): Promise<URLSearchParams> {
    const { authorizationResponse, client } = await this.#steps()
    return authorizationResponse(sentinel, client, parameters, state)
  }

  /** See exchange-code.ts. */
  async exchangeCode (sentinel: Sentinel, validatedResponse: URLSearchParams, exchange: CodeExchange): Promise<{ tokens: TokenSet, user: User }> {
    const { exchangeCode, client } = await this.#steps()
    return exchangeCode(sentinel, client, validatedResponse, exchange)
  }

  /** See refresh-tokens.ts. */
  async refreshTokens (lookedUp: Promise<Sentinel>, refreshment: Refreshment): Promise<TokenSet> {
    // A look-up that fails meanwhile is told by the step.
    lookedUp.catch(() => {})
    const { refreshTokens, client } = await this.#steps()
    return refreshTokens(lookedUp, client, refreshment)
  }

  /** See revoke-token.ts. */
  async revokeToken (lookedUp: Promise<Sentinel>, refreshToken: string): Promise<void> {
    lookedUp.catch(() => {})
    const { revokeToken, client } = await this.#steps()
    return revokeToken(lookedUp, client, refreshToken)
  }

  #steps (): Promise<Steps> {
    this.#loading ??= import('./steps.js').then(steps => ({ ...steps, client: steps.createSentinelClient(this.#settings, this.#http) }))
    return this.#loading
  }
}
