import { leAuthError } from '../errors.js'

/** Longer values are no tokens: LivePerson's have 64 and 146 to 544 characters. */
const MAX_TOKEN_LENGTH = 8192
/** RFC 6750 §2.1: what may stand behind `Bearer`; anything else could break the header. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/
/** RFC 6749 §A.17: it only ever stands in a form. */
const REFRESH_TOKEN = /^[\x20-\x7e]+$/
/** No access token lives longer than a year; more would overflow a date. In seconds. */
const MAX_EXPIRES_IN = 365 * 24 * 60 * 60
/** A token that ended as it came would be refreshed by each request, and Sentinel be stormed. In seconds. */
const MIN_EXPIRES_IN = 10

/** What Sentinel issued for one login, and until when it holds. */
export interface TokenSet {
  accessToken: string
  /** Missing where Sentinel gave none: the login then ends with its access token. */
  refreshToken?: string
  /** In ms since 1970; `null` where Sentinel did not tell. */
  expiresAt: number | null
  /** When the access token was issued, in ms since 1970. */
  issuedAt: number
}

interface TokenAnswer {
  access_token: string
  token_type: string
  refresh_token?: unknown
  expires_in?: number
  error?: unknown
}

/**
 * The token set in an answer that oauth4webapi has checked (RFC 6749 §5.1).
 *
 * @throws LE_AUTH_SENTINEL_INVALID where a token could not be sent on, or the answer is an error as well
 */
export function tokenSet (answer: TokenAnswer, now: number): TokenSet {
  if (answer.token_type !== 'bearer') throw leAuthError('LE_AUTH_SENTINEL_INVALID', { reason: 'token_type' })
  if (answer.error !== undefined) throw leAuthError('LE_AUTH_SENTINEL_INVALID', { reason: 'error_with_token' })
  if (!isToken(answer.access_token, BEARER_TOKEN)) throw leAuthError('LE_AUTH_SENTINEL_INVALID', { reason: 'access_token' })
  const expiresIn = answer.expires_in
  return {
    accessToken: answer.access_token,
    ...(isToken(answer.refresh_token, REFRESH_TOKEN) && { refreshToken: answer.refresh_token }),
    expiresAt: expiresIn === undefined ? null : now + Math.min(Math.max(expiresIn, MIN_EXPIRES_IN), MAX_EXPIRES_IN) * 1000,
    issuedAt: now
  }
}

function isToken (value: unknown, characters: RegExp): value is string {
  return typeof value === 'string' && value.length <= MAX_TOKEN_LENGTH && characters.test(value)
}
