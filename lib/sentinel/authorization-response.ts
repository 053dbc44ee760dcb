import { validateAuthResponse } from 'oauth4webapi'
import { leAuthError } from '../errors.ts'
import type { SentinelClient } from './client.ts'
import type { Sentinel } from './endpoints.ts'
import { authorizationFailure } from './failures.ts'

/**
 * Authorization response, RFC 6749 §4.1.2. The code exchange accepts only what this returns, so
 * that the check cannot be left out.
 *
 * @throws LE_AUTH_LOGIN_DENIED, LE_AUTH_AUTHORIZATION_FAILED, LE_AUTH_CALLBACK_INVALID
 */
export function authorizationResponse(
  sentinel: Sentinel,
  client: SentinelClient,
  parameters: URLSearchParams,
  state: string
): URLSearchParams {
  // Sentinel deviates: its issuer has two spellings, and its documents show no `iss` (RFC 9207
  // §2.4).
  const issuer = parameters.get('iss') === 'Sentinel' ? 'Sentinel' : sentinel.issuer
  try {
    const validated = validateAuthResponse(
      { ...sentinel, issuer },
      client.metadata,
      parameters,
      state
    )
    const codes = validated.getAll('code')
    if (codes.length === 1 && codes[0] !== '') return validated
  } catch (error) {
    throw authorizationFailure(error)
  }
  throw leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'code_malformed' })
}
