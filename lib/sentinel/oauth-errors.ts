import { AuthorizationResponseError, JWT_CLAIM_COMPARISON, JWT_TIMESTAMP_CHECK, OperationProcessingError, ResponseBodyError } from 'oauth4webapi'
import { leAuthError, LeAuthError } from '../errors.js'
import { HttpError, HttpResponse } from '../http/client.js'
import { RefreshError } from './refresh-error.js'
import { retryAfter } from './retry-after.js'

/** RFC 6749 §4.1.2.1 and §5.2: the only words of Sentinel's that ever reach a log. */
const OAUTH_ERRORS = ['invalid_request', 'unauthorized_client', 'access_denied', 'unsupported_response_type', 'invalid_scope',
  'server_error', 'temporarily_unavailable', 'invalid_client', 'invalid_grant', 'unsupported_grant_type']

/** What went wrong, in this plugin's words. No text, body or cause of Sentinel's is carried along: tokens could be in it. */
interface Failure {
  kind: 'unreachable' | 'refused' | 'malformed' | 'id_token'
  /** HTTP status, where there was one. */
  status?: number
  reason: string
}

/** The authorization response is an error, or is none at all. */
export function authorizationFailure (error: unknown): LeAuthError {
  if (!(error instanceof AuthorizationResponseError)) return leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'malformed' })
  const reason = oauthError(error.error)
  if (reason === 'access_denied') return leAuthError('LE_AUTH_LOGIN_DENIED', { reason })
  if (reason === 'temporarily_unavailable' || reason === 'server_error') return leAuthError('LE_AUTH_SENTINEL_UNAVAILABLE', { reason })
  return leAuthError('LE_AUTH_LOGIN_REFUSED', { reason })
}

/** The code could not be exchanged for tokens. */
export function exchangeFailure (error: unknown): LeAuthError {
  if (error instanceof LeAuthError) return error
  const failure = failureOf(error)
  const { kind, reason } = failure
  if (kind === 'unreachable') return leAuthError('LE_AUTH_SENTINEL_UNAVAILABLE', { reason })
  if (kind === 'id_token') return leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason })
  if (reason === 'invalid_grant') return leAuthError('LE_AUTH_CODE_REJECTED', { reason })
  if (isClientRejected(failure)) return leAuthError('LE_AUTH_CLIENT_REJECTED', { reason })
  return leAuthError('LE_AUTH_SENTINEL_INVALID', { reason })
}

/**
 * The refresh failed, and what that means for the refresh token.
 *
 * @param hasIssued whether Sentinel answered as if it had issued tokens: they cannot be used, and the refresh token may have been replaced
 */
export function refreshFailure (error: unknown, now: number, hasIssued: boolean): RefreshError {
  const reason = reasonOf(error)
  if (reason === 'invalid_grant') return new RefreshError('dead', reason)
  if (hasIssued || (error instanceof HttpError && !error.neverConnected)) return new RefreshError('lost', reason)
  const response = responseOf(error)
  // PROTOCOL.md §3: these are the documented refusals, whatever their bodies say.
  if (response?.status === 400 || response?.status === 401) return new RefreshError('refused', reason)
  return new RefreshError('unavailable', reason, response === undefined ? null : retryAfter(response, now))
}

/** The id_token names another issuer than the one asked for. */
export function isIssuerMismatch (error: unknown): boolean {
  return isAboutIdToken(error) && claimOf(error) === 'iss'
}

/** The revocation failed, in whatever way. */
export function revocationFailure (error: unknown): LeAuthError {
  return leAuthError('LE_AUTH_REVOCATION_FAILED', { reason: reasonOf(error) })
}

/** One of our own errors is its own reason: a look-up that failed, a token that cannot be used. */
function reasonOf (error: unknown): string {
  return error instanceof LeAuthError ? error.code : failureOf(error).reason
}

function failureOf (error: unknown): Failure {
  if (error instanceof HttpError) return { kind: 'unreachable', reason: error.reason }
  const status = responseOf(error)?.status
  if (status !== undefined && (status >= 500 || status === 429)) return { kind: 'unreachable', status, reason: `http_${status}` }
  if (error instanceof ResponseBodyError) return { kind: 'refused', status: error.status, reason: oauthError(error.error) }
  if (status !== undefined) return { kind: 'refused', status, reason: `http_${status}` }
  if (isAboutIdToken(error)) return { kind: 'id_token', reason: claimOf(error) }
  return { kind: 'malformed', reason: 'malformed' }
}

/** oauth4webapi keeps the response on the error, or as the error's cause. */
function responseOf (error: unknown): HttpResponse | undefined {
  const { response, cause } = error as { response?: unknown, cause?: unknown }
  return [response, cause].find(value => value instanceof HttpResponse)
}

function isClientRejected (failure: Failure): boolean {
  return failure.status === 401 || failure.reason === 'invalid_client' || failure.reason === 'unauthorized_client'
}

function isAboutIdToken (error: unknown): error is OperationProcessingError {
  const { code, message } = error as OperationProcessingError
  return code === JWT_CLAIM_COMPARISON || code === JWT_TIMESTAMP_CHECK || /JW[TSE]|ID Token/.test(message)
}

function claimOf (error: OperationProcessingError): string {
  const claim = (error.cause as { claim?: unknown } | undefined)?.claim
  return typeof claim === 'string' ? claim : 'malformed'
}

function oauthError (error: string): string {
  return OAUTH_ERRORS.find(known => known === error) ?? 'unrecognised'
}
