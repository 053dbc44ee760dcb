import { valueOf } from '../parameters.ts'
import { OAuthRefusal, RedirectRefusal } from '../refusals.ts'
import { codeChallengeOf } from '../secrets.ts'
import type { Behaviour } from '../settings/behaviour.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { errorLocation } from './authorization-response.ts'

/** The length and alphabet of a SHA-256 in base64url. */
const S256_CHALLENGE = /^[A-Za-z0-9_-]{43}$/

/**
 * Checks the PKCE parameters of an authorization request (RFC 7636 §4.3).
 * @throws RedirectRefusal `invalid_request` if `pkce` is `refused` and a parameter was sent, or if
 * `pkce` is `checked` and the challenge is not a valid S256 challenge
 */
export function checkPkceRequest(
  pkce: Behaviour['pkce'],
  request: AuthorizationRequest,
  query: URLSearchParams
): void {
  const method = valueOf(query, 'code_challenge_method')
  const isSent = request.codeChallenge !== undefined || method !== undefined
  if (!isSent || pkce === 'ignored') return
  if (pkce === 'refused') throw refusal(request, 'code_challenge is not supported')
  if (method !== 'S256' || !S256_CHALLENGE.test(request.codeChallenge ?? '')) {
    throw refusal(
      request,
      'code_challenge must be a valid S256 challenge, and code_challenge_method must be S256'
    )
  }
}

function refusal(request: AuthorizationRequest, description: string): RedirectRefusal {
  return new RedirectRefusal(errorLocation(request, 'invalid_request', description))
}

/**
 * Compares a verifier with the challenge of the authorization request (RFC 7636 §4.6).
 * @throws OAuthRefusal `invalid_grant` if they do not match, or if only one of them was sent
 * (RFC 9700 §4.8.2); `invalid_request` if `pkce` is `refused` and a verifier was sent
 */
export function checkVerifier(
  pkce: Behaviour['pkce'],
  challenge: string | undefined,
  verifier: string | undefined
): void {
  if (pkce === 'ignored') return
  if (pkce === 'refused') {
    if (verifier === undefined) return
    throw new OAuthRefusal('invalid_request', 'code_verifier is not supported')
  }
  const expected = verifier === undefined ? undefined : codeChallengeOf(verifier)
  if (expected !== challenge) {
    throw new OAuthRefusal('invalid_grant', 'code_verifier does not match code_challenge')
  }
}
