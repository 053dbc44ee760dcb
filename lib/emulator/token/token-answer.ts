import type { Grant } from '../ledger.js'
import { newSecret } from '../secrets.js'
import type { EmulatorState } from '../state.js'

/** What the token endpoint answers (RFC 6749 §5.1). */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly refresh_token: string
  readonly id_token?: string
  readonly expires_in?: number | string
}

/** The shortest refresh token in LivePerson's examples has 146 hexadecimal characters. */
const REFRESH_TOKEN_BYTES = 73

/** Gives out an access token, with a new refresh token or the one to be kept. */
export function issueTokens (
  { behaviour, ledger, lifetimes }: EmulatorState, grant: Grant, keptRefreshToken?: string
): TokenAnswer {
  const accessToken = newSecret()
  const refreshToken = keptRefreshToken ?? newSecret(REFRESH_TOKEN_BYTES)
  const expiresIn = Math.floor(lifetimes.accessToken / 1000)
  ledger.accessTokens.set(accessToken, grant, lifetimes.accessToken)
  ledger.refreshTokens.set(refreshToken, { grant, replaced: false }, lifetimes.refreshToken)
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    refresh_token: refreshToken,
    ...behaviour.expiresIn === 'number' && { expires_in: expiresIn },
    ...behaviour.expiresIn === 'string' && { expires_in: String(expiresIn) }
  }
}
