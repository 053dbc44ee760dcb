import {
  AuthorizationResponseError,
  JWT_CLAIM_COMPARISON,
  JWT_TIMESTAMP_CHECK,
  OperationProcessingError,
  ResponseBodyError
} from 'oauth4webapi'
import {
  leAuthError,
  LeAuthError,
  OAUTH_ERRORS,
  type HttpStatusReason,
  type IdTokenReason,
  type NetworkReason,
  type OAuthErrorReason,
  type SentinelFailureReason
} from '../errors.ts'
import { HttpError } from '../http/client.ts'
import { HttpResponse } from '../http/http-response.ts'
import { RefreshError, type RefusalReason } from './refresh-error.ts'
import { retryAfter } from './retry-after.ts'

const CLAIMS = ['iss', 'aud', 'azp', 'exp', 'iat', 'nbf', 'sub'] as const

/**
 * What went wrong, in this plugin's words. No text, body or cause of Sentinel's is kept, because it
 * could hold a token.
 */
type Failure =
  | { kind: 'unreachable'; reason: NetworkReason | HttpStatusReason }
  | { kind: 'refused'; status: number; reason: RefusalReason }
  | { kind: 'id_token'; reason: IdTokenReason }
  | { kind: 'malformed'; reason: 'malformed' }

/** The authorization response is an error, or is not one that Sentinel sends. */
export function authorizationFailure(error: unknown): LeAuthError {
  if (!(error instanceof AuthorizationResponseError)) {
    return leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'malformed' })
  }
  const reason = oauthError(error.error)
  if (reason === 'access_denied') return leAuthError('LE_AUTH_LOGIN_DENIED', { reason })
  // Anybody can open a callback with an error. If it counted as a failure of a server, they could
  // raise the operator's alarm.
  return leAuthError('LE_AUTH_AUTHORIZATION_FAILED', { reason })
}

/** The code could not be exchanged for tokens. */
export function exchangeFailure(error: unknown): LeAuthError {
  if (error instanceof LeAuthError) return error
  const failure = failureOf(error)
  const { kind, reason } = failure
  if (kind === 'unreachable') return leAuthError('LE_AUTH_SENTINEL_UNAVAILABLE', { reason })
  if (kind === 'id_token') return leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason })
  if (kind === 'malformed') return leAuthError('LE_AUTH_SENTINEL_INVALID', { reason })
  if (reason === 'invalid_grant') {
    return leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'code_rejected' })
  }
  if (isClientRejected(failure)) return leAuthError('LE_AUTH_CLIENT_REJECTED', { reason })
  return leAuthError('LE_AUTH_SENTINEL_INVALID', { reason })
}

/**
 * The refresh failed, and what that means for the refresh token.
 *
 * @param hasIssued whether Sentinel responded as if it had issued tokens. They cannot be used, and
 * the refresh token may have been replaced
 */
export function refreshFailure(error: unknown, now: number, hasIssued: boolean): RefreshError {
  const reason = reasonOf(error)
  if (reason === 'invalid_grant') return new RefreshError('dead', reason)
  const mayHaveArrived = error instanceof HttpError && !error.neverConnected
  if (hasIssued || mayHaveArrived) return new RefreshError('lost', reason)
  const response = responseOf(error)
  // docs/protocol.md §3: these are the documented refusals, whatever their bodies say.
  if (response?.status === 400 || response?.status === 401) {
    return new RefreshError('refused', reason)
  }
  const wait = response === undefined ? null : retryAfter(response, now)
  return new RefreshError('unavailable', reason, wait)
}

/** Whether a status says that nothing is wrong with the request. */
export function isBusyOrDown(status: number): boolean {
  return status >= 500 || status === 429
}

/** The id_token names another issuer than the expected one. */
export function isIssuerMismatch(error: unknown): boolean {
  return isAboutIdToken(error) && idTokenReason(error) === 'iss'
}

/** The revocation failed. */
export function revocationFailure(error: unknown): LeAuthError {
  return leAuthError('LE_AUTH_REVOCATION_FAILED', { reason: reasonOf(error) })
}

/** For an error of this plugin, its code: a look-up that failed, a token that cannot be used. */
function reasonOf(error: unknown): SentinelFailureReason {
  return error instanceof LeAuthError ? error.code : failureOf(error).reason
}

function failureOf(error: unknown): Failure {
  if (error instanceof HttpError) return { kind: 'unreachable', reason: error.reason }
  const status = responseOf(error)?.status
  if (status !== undefined && isBusyOrDown(status)) {
    return { kind: 'unreachable', reason: `http_${status}` }
  }
  if (error instanceof ResponseBodyError) {
    return { kind: 'refused', status: error.status, reason: oauthError(error.error) }
  }
  if (status !== undefined) return { kind: 'refused', status, reason: `http_${status}` }
  if (isAboutIdToken(error)) return { kind: 'id_token', reason: idTokenReason(error) }
  return { kind: 'malformed', reason: 'malformed' }
}

/** oauth4webapi keeps the response on the error, or as the error's cause. */
function responseOf(error: unknown): HttpResponse | undefined {
  const { response, cause } = error as { response?: unknown; cause?: unknown }
  return [response, cause].find(value => value instanceof HttpResponse)
}

function isClientRejected({ status, reason }: Failure & { kind: 'refused' }): boolean {
  return status === 401 || reason === 'invalid_client' || reason === 'unauthorized_client'
}

function isAboutIdToken(error: unknown): error is OperationProcessingError {
  const { code, message } = error as OperationProcessingError
  if (code === JWT_CLAIM_COMPARISON || code === JWT_TIMESTAMP_CHECK) return true
  return /JW[TSE]|ID Token/.test(message)
}

function idTokenReason(error: OperationProcessingError): IdTokenReason {
  if (error.message.includes('"alg"')) return 'alg'
  const claim = (error.cause as { claim?: unknown } | undefined)?.claim
  return CLAIMS.find(known => known === claim) ?? 'malformed'
}

function oauthError(error: string): OAuthErrorReason {
  return OAUTH_ERRORS.find(known => known === error) ?? 'unrecognised'
}
