import type { HttpClient } from '../http/client.ts'
import { Turns } from '../http/turns.ts'
import type { ClientSettings, SentinelClient } from './client.ts'
import { sentinelEndpoints, type ApiVersions, type Sentinel } from './endpoints.ts'
import type { CodeExchange, ExchangedCode } from './exchange-code.ts'
import type { RefreshRequest } from './refresh-tokens.ts'
import type { TokenSet } from './token-set.ts'

/** What the service needs to know. */
export interface SentinelSettings extends ClientSettings {
  apiVersion: ApiVersions
  idTokenSignature: 'not-checked' | 'required'
  /** Looks up where an account's Sentinel is. */
  originOf: (accountId: string) => Promise<string>
}

/**
 * How many calls of one kind run at a time, each on a connection of its own. Sentinel responds in a
 * fraction of a second, so this is enough for a hundred logins a second.
 */
const CALLS_AT_ONCE = 50

type Steps = typeof import('./oauth-steps.ts') & {
  client: SentinelClient
  /** Anybody can send a made-up code. Such calls do not keep refreshes and logouts waiting. */
  exchangeClient: SentinelClient
}

/**
 * Sentinel's OAuth endpoints. oauth4webapi is loaded at the first callback, refresh or revocation,
 * and so is jose, if signatures are checked.
 */
export class SentinelService {
  readonly #settings: SentinelSettings
  readonly #http: HttpClient
  #loading: Promise<Steps> | null = null

  constructor(settings: SentinelSettings, http: HttpClient) {
    this.#settings = settings
    this.#http = http
  }

  /** Where an account's Sentinel is. @throws what the look-up throws */
  originOf(accountId: string): Promise<string> {
    return this.#settings.originOf(accountId)
  }

  /** Sentinel for an account, at a known origin. */
  at(origin: string, accountId: string): Sentinel {
    return sentinelEndpoints(origin, accountId, this.#settings.apiVersion)
  }

  /** See authorization-response.ts. */
  async authorizationResponse(
    sentinel: Sentinel,
    parameters: URLSearchParams,
    state: string
  ): Promise<URLSearchParams> {
    const { authorizationResponse, client } = await this.#steps()
    return authorizationResponse(sentinel, client, parameters, state)
  }

  /** See exchange-code.ts. */
  async exchangeCode(
    sentinel: Sentinel,
    validated: URLSearchParams,
    exchange: CodeExchange
  ): Promise<ExchangedCode> {
    const { exchangeCode, exchangeClient } = await this.#steps()
    return exchangeCode(sentinel, exchangeClient, validated, exchange)
  }

  /** See refresh-tokens.ts. */
  async refreshTokens(accountId: string, request: RefreshRequest): Promise<TokenSet> {
    const lookUp = this.#lookUp(accountId)
    const { refreshTokens, client } = await this.#steps()
    return refreshTokens(lookUp, client, request)
  }

  /** See revoke-token.ts. */
  async revokeToken(accountId: string, refreshToken: string): Promise<void> {
    const lookUp = this.#lookUp(accountId)
    const { revokeToken, client } = await this.#steps()
    return revokeToken(lookUp, client, refreshToken)
  }

  #lookUp(accountId: string): Promise<Sentinel> {
    const lookUp = this.originOf(accountId).then(origin => this.at(origin, accountId))
    // If it fails while the steps are loading, the step reports it.
    lookUp.catch(() => {})
    return lookUp
  }

  #steps(): Promise<Steps> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  async #load(): Promise<Steps> {
    const steps = await import('./oauth-steps.ts')
    const signatures = await this.#signatures()
    const create = (): SentinelClient => ({
      ...steps.createSentinelClient(this.#settings, this.#http, new Turns(CALLS_AT_ONCE)),
      ...signatures
    })
    return { ...steps, client: create(), exchangeClient: create() }
  }

  async #signatures(): Promise<Pick<SentinelClient, 'signatures'>> {
    if (this.#settings.idTokenSignature === 'not-checked') return {}
    const { IdTokenSignatures } = await import('./id-token-signature.ts')
    return { signatures: new IdTokenSignatures(this.#http, this.#settings.now) }
  }
}
