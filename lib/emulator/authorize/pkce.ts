import { valueOf } from '../parameters.js'
import { OAuthRefusal, RedirectRefusal } from '../refusals.js'
import { codeChallengeOf } from '../secrets.js'
import type { Behaviour } from '../settings/behaviour.js'
import { errorLocation } from './authorization-answer.js'
import type { AuthorizationRequest } from './authorization-request.js'

/** The length and alphabet of a SHA-256 in base64url. */
const S256_CHALLENGE = /^[A-Za-z0-9_-]{43}$/

/**
 * Checks what an authorization request says about PKCE (RFC 7636 §4.3).
 * @throws RedirectRefusal with `invalid_request` when it is refused altogether, or checked and not S256.
 */
export function refusePkceRequest (pkce: Behaviour['pkce'], request: AuthorizationRequest, query: URLSearchParams): void {
  const method = valueOf(query, 'code_challenge_method')
  const isSent = request.codeChallenge !== undefined || method !== undefined
  if (!isSent || pkce === 'ignored') return
  if (pkce === 'refused') throw refusal(request, 'code_challenge is not supported')
  if (method !== 'S256' || !S256_CHALLENGE.test(request.codeChallenge ?? '')) {
    throw refusal(request, 'code_challenge must be of method S256')
  }
}

function refusal (request: AuthorizationRequest, description: string): RedirectRefusal {
  return new RedirectRefusal(errorLocation(request, 'invalid_request', description))
}

/**
 * Holds a verifier against the challenge its code was asked for with (RFC 7636 §4.6).
 * @throws OAuthRefusal when they do not belong together, also when only one of them is there (RFC 9700 §4.8.2).
 */
export function checkVerifier (
  pkce: Behaviour['pkce'], challenge: string | undefined, verifier: string | undefined
): void {
  if (pkce === 'ignored') return
  if (pkce === 'refused') {
    if (verifier !== undefined) throw new OAuthRefusal('invalid_request', 'code_verifier is not supported')
    return
  }
  const expected = verifier === undefined ? undefined : codeChallengeOf(verifier)
  if (expected !== challenge) throw new OAuthRefusal('invalid_grant', 'code_verifier does not match')
}
