import { RefreshError } from '../../../lib/sentinel/refresh-error.ts'
import type { RefreshRequest } from '../../../lib/sentinel/refresh-tokens.ts'
import type { TokenSet } from '../../../lib/sentinel/token-set.ts'
import { MINUTE } from '../clock.ts'
import type { HeldCalls } from './held-calls.ts'

/** The tokens of one login, as Sentinel knows them. */
interface Grant {
  newest: number
  isRevoked: boolean
}

/**
 * Sentinel, as strict as it may be: a refresh token works once, and what is not the newest one is
 * unknown, also to a revocation.
 */
export class HeldSentinel {
  readonly #calls: HeldCalls
  readonly #grants = new Map<string, Grant>()

  constructor(calls: HeldCalls) {
    this.#calls = calls
  }

  restart(): void {
    this.#grants.clear()
  }

  /** The first tokens of a new login. */
  logIn(name: string): TokenSet {
    this.#grants.set(name, { newest: 1, isRevoked: false })
    return this.#tokens(name, 1)
  }

  newestOf(name: string): string {
    return `${name} ${this.#grants.get(name)!.newest}`
  }

  isRevoked(name: string): boolean {
    return this.#grants.get(name)!.isRevoked
  }

  readonly refreshTokens = (
    _accountId: string,
    { refreshToken }: RefreshRequest
  ): Promise<TokenSet> =>
    new Promise((resolve, reject) => {
      this.#calls.hold(`requests tokens from Sentinel with ${refreshToken}`, () => {
        const tokens = this.#refreshed(refreshToken)
        if (tokens !== null) return { says: tokens.refreshToken!, give: () => resolve(tokens) }
        const error = new RefreshError('dead', 'invalid_grant')
        return { says: 'invalid_grant', give: () => reject(error) }
      })
    })

  readonly revokeToken = (_accountId: string, refreshToken: string): Promise<void> =>
    new Promise(resolve => {
      this.#calls.hold(`requests Sentinel to revoke ${refreshToken}`, () => {
        const grant = this.#grantOf(refreshToken)
        // An unknown token is as good as revoked (RFC 7009 §2.2).
        if (grant !== null) grant.isRevoked = true
        return { says: grant === null ? 'unknown' : 'revoked', give: resolve }
      })
    })

  state(): string {
    return JSON.stringify([...this.#grants])
  }

  #refreshed(refreshToken: string): TokenSet | null {
    const grant = this.#grantOf(refreshToken)
    if (grant === null || grant.isRevoked) return null
    grant.newest += 1
    return this.#tokens(nameOf(refreshToken), grant.newest)
  }

  /** The login whose newest refresh token this is. */
  #grantOf(refreshToken: string): Grant | null {
    const name = nameOf(refreshToken)
    const grant = this.#grants.get(name)
    return grant !== undefined && this.newestOf(name) === refreshToken ? grant : null
  }

  #tokens(name: string, count: number): TokenSet {
    const token = `${name} ${count}`
    const { now } = this.#calls
    return { accessToken: token, refreshToken: token, issuedAt: now, expiresAt: now + 30 * MINUTE }
  }
}

function nameOf(refreshToken: string): string {
  return refreshToken.split(' ')[0]!
}
