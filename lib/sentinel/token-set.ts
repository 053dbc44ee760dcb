import { leAuthError } from '../errors.ts'

/** LivePerson's access tokens have 64 characters, and its refresh tokens 146 to 544. */
const MAX_TOKEN_LENGTH = 8192
/** RFC 6750 §2.1: what may follow `Bearer`. Anything else could break the header. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/
/** RFC 6749 §A.17: it is only ever sent in a form. */
const REFRESH_TOKEN = /^[\x20-\x7e]+$/
/** No access token lives longer than a year. More would overflow a date. In s. */
const MAX_EXPIRES_IN = 365 * 24 * 60 * 60
/** A token that is expired on arrival would trigger a refresh on every request. In s. */
const MIN_EXPIRES_IN = 10

/** The tokens that Sentinel issued for one login. */
export interface TokenSet {
  accessToken: string
  /** Left out if Sentinel issued none. The login then ends when its access token expires. */
  refreshToken?: string
  /** When the access token expires, in ms since 1970; `null` if Sentinel did not say. */
  expiresAt: number | null
  /** When the access token was issued, in ms since 1970. */
  issuedAt: number
}

interface TokenResponse {
  access_token: string
  token_type: string
  refresh_token?: unknown
  expires_in?: number
  error?: unknown
}

/**
 * The token set of a response that oauth4webapi has checked (RFC 6749 §5.1).
 *
 * @throws LE_AUTH_SENTINEL_INVALID if a token could not be sent on, or the response is also an
 * error
 */
export function tokenSet(response: TokenResponse, now: number): TokenSet {
  const reason = problemOf(response)
  if (reason !== null) throw leAuthError('LE_AUTH_SENTINEL_INVALID', { reason })
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn } = response
  return {
    accessToken,
    ...(isToken(refreshToken, REFRESH_TOKEN) && { refreshToken }),
    expiresAt: expiresIn === undefined ? null : now + lifetimeOf(expiresIn),
    issuedAt: now
  }
}

function problemOf({
  token_type: type,
  error,
  access_token: accessToken
}: TokenResponse): 'token_type' | 'error_with_token' | 'access_token' | null {
  if (type !== 'bearer') return 'token_type'
  if (error !== undefined) return 'error_with_token'
  return isToken(accessToken, BEARER_TOKEN) ? null : 'access_token'
}

/** In ms. */
function lifetimeOf(expiresIn: number): number {
  return Math.min(Math.max(expiresIn, MIN_EXPIRES_IN), MAX_EXPIRES_IN) * 1000
}

function isToken(value: unknown, characters: RegExp): value is string {
  return typeof value === 'string' && value.length <= MAX_TOKEN_LENGTH && characters.test(value)
}
