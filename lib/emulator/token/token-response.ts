import type { Grant } from '../ledger.ts'
import { newSecret } from '../secrets.ts'
import type { EmulatorState } from '../state.ts'

/** The body of a successful response of the token endpoint (RFC 6749 §5.1). */
export interface TokenResponse {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly refresh_token: string
  readonly id_token?: string
  /** In seconds. */
  readonly expires_in?: number | string
}

/** The shortest refresh token in LivePerson's examples has 146 hexadecimal characters. */
const REFRESH_TOKEN_BYTES = 73

/**
 * Issues an access token and a refresh token.
 * @param keptRefreshToken the refresh token to keep; by default a new one is issued
 */
export function issueTokens(
  { behaviour, ledger, lifetimes }: EmulatorState,
  grant: Grant,
  keptRefreshToken?: string
): TokenResponse {
  const accessToken = newSecret()
  const refreshToken = keptRefreshToken ?? newSecret(REFRESH_TOKEN_BYTES)
  const expiresIn = Math.floor(lifetimes.accessToken / 1000)
  ledger.accessTokens.set(accessToken, grant, lifetimes.accessToken)
  ledger.refreshTokens.set(refreshToken, { grant, replaced: false }, lifetimes.refreshToken)
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    refresh_token: refreshToken,
    ...(behaviour.expiresIn === 'number' && { expires_in: expiresIn }),
    ...(behaviour.expiresIn === 'string' && { expires_in: String(expiresIn) })
  }
}
