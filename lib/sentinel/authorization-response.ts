import { validateAuthResponse } from 'oauth4webapi'
import { leAuthError } from '../errors.js'
import type { SentinelClient } from './client.js'
import type { Sentinel } from './endpoints.js'
import { authorizationFailure } from './oauth-errors.js'

/**
 * Authorization response, RFC 6749 §4.1.2. What it returns is all that the code exchange accepts, so that
 * this check cannot be left out.
 *
 * @throws LE_AUTH_LOGIN_DENIED, LE_AUTH_LOGIN_REFUSED, LE_AUTH_SENTINEL_UNAVAILABLE, LE_AUTH_CALLBACK_INVALID
 */
export function authorizationResponse (sentinel: Sentinel, client: SentinelClient, parameters: URLSearchParams, state: string): URLSearchParams {
  try {
    // Sentinel deviates: it has two spellings of its issuer, and no `iss` here in its documents (RFC 9207 §2.4 where there is one).
    const issuer = parameters.get('iss') === 'Sentinel' ? 'Sentinel' : sentinel.issuer
    const validated = validateAuthResponse({ ...sentinel, issuer }, client.metadata, parameters, state)
    const codes = validated.getAll('code')
    if (codes.length === 1 && codes[0] !== '') return validated
  } catch (error) {
    throw authorizationFailure(error)
  }
  throw leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'no_single_code' })
}
