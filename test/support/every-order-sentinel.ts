import { RefreshError } from '../../lib/sentinel/refresh-error.js'
import type { TokenSet } from '../../lib/sentinel/token-set.js'
import { MINUTE } from './clock.js'
import type { HeldCalls } from './every-order-calls.js'

/** What Sentinel knows of one login there. */
interface Grant {
  newest: number
  isRevoked: boolean
}

/** Sentinel, as strict as it may be: a refresh token works once, and what is not the newest one is unknown, also to a revocation. */
export class HeldSentinel {
  readonly #calls: HeldCalls
  readonly #grants = new Map<string, Grant>()

  constructor (calls: HeldCalls) {
    this.#calls = calls
  }

  restart (): void {
    this.#grants.clear()
  }

  /** The first tokens of a new login. */
  logIn (name: string): TokenSet {
    this.#grants.set(name, { newest: 1, isRevoked: false })
    return this.#tokens(name, 1)
  }

  newestOf (name: string): string {
    return `${name} ${this.#grants.get(name)!.newest}`
  }

  isRevoked (name: string): boolean {
    return this.#grants.get(name)!.isRevoked
  }

  readonly requestTokens = (_accountId: string, _userId: string, refreshToken: string): Promise<TokenSet> => new Promise((resolve, reject) => {
    this.#calls.hold(`asks Sentinel for tokens with ${refreshToken}`, () => {
      const tokens = this.#refreshed(refreshToken)
      if (tokens === null) return { says: 'invalid_grant', give: () => reject(new RefreshError('dead', 'invalid_grant')) }
      return { says: tokens.refreshToken!, give: () => resolve(tokens) }
    })
  })

  readonly revoke = (_accountId: string, refreshToken: string): Promise<void> => new Promise(resolve => {
    this.#calls.hold(`asks Sentinel to revoke ${refreshToken}`, () => {
      const grant = this.#grantOf(refreshToken)
      // An unknown token is as good as revoked (RFC 7009 §2.2).
      if (grant !== null) grant.isRevoked = true
      return { says: grant === null ? 'unknown' : 'revoked', give: resolve }
    })
  })

  state (): string {
    return JSON.stringify([...this.#grants])
  }

  #refreshed (refreshToken: string): TokenSet | null {
    const grant = this.#grantOf(refreshToken)
    if (grant === null || grant.isRevoked) return null
    grant.newest += 1
    return this.#tokens(nameOf(refreshToken), grant.newest)
  }

  /** The login that a refresh token is the newest one of. */
  #grantOf (refreshToken: string): Grant | null {
    const grant = this.#grants.get(nameOf(refreshToken))
    return grant !== undefined && this.newestOf(nameOf(refreshToken)) === refreshToken ? grant : null
  }

  #tokens (name: string, count: number): TokenSet {
    const token = `${name} ${count}`
    return { accessToken: token, refreshToken: token, issuedAt: this.#calls.now, expiresAt: this.#calls.now + 30 * MINUTE }
  }
}

function nameOf (refreshToken: string): string {
  return refreshToken.split(' ')[0]!
}
