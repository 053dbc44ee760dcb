import { isUtf8 } from 'node:buffer'
import { getValidatedIdTokenClaims, type IDToken, type TokenEndpointResponse } from 'oauth4webapi'
import { leAuthError } from '../errors.js'
import { CLOCK_TOLERANCE } from './client.js'
import type { Sentinel } from './endpoints.js'
import { isIssuerMismatch } from './oauth-errors.js'

/** RFC 7515 §3.1, with a signature: oauth4webapi leaves that to the check of the signature. */
const SIGNED = /^[\w-]+\.[\w-]+\.[\w-]+$/
/** The documents' examples have 500 characters; the claims go into the session. */
const MAX_LENGTH = 8192

type Check = (sentinel: Sentinel, response: Response) => Promise<TokenEndpointResponse>

/** Sentinel deviates: its issuer is no URL but the word `sentinel`, in older pages and tokens `Sentinel`. These two and nothing else. */
export async function withEitherIssuer (sentinel: Sentinel, response: Response, check: Check): Promise<TokenEndpointResponse> {
  try {
    return await check(sentinel, response)
  } catch (error) {
    if (!isIssuerMismatch(error)) throw error
    return await check({ ...sentinel, issuer: 'Sentinel' }, response)
  }
}

/**
 * The claims of the id_token in an answer, if it has one. oauth4webapi has checked `iss`, `aud`, `exp`, `iat` and `sub`
 * as the specification asks; here is what it leaves open.
 *
 * @param clientId whom the id_token must be for
 * @throws LE_AUTH_ID_TOKEN_INVALID
 */
export function idTokenClaims (answer: TokenEndpointResponse, clientId: string, now: number): IDToken | undefined {
  const claims = getValidatedIdTokenClaims(answer)
  if (claims === undefined) return undefined
  if (answer.id_token!.length > MAX_LENGTH) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'too_large' })
  if (!SIGNED.test(answer.id_token!) || !isUtf8(Buffer.from(answer.id_token!.split('.')[1]!, 'base64url'))) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'malformed' })
  // RFC 8725 §3.11: a token that says it is an access token (RFC 9068 §2.1) says nothing about who logged in.
  if (/^(application\/)?at\+jwt$/i.test(String(typeOf(answer.id_token!)))) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'typ' })
  // OpenID Connect Core §3.1.3.7 (5); with several audiences oauth4webapi asks for it as well.
  if (claims.azp !== undefined && claims.azp !== clientId) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'azp' })
  if (!Number.isSafeInteger(Math.floor(claims.exp))) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'exp' })
  if (claims.iat > now / 1000 + CLOCK_TOLERANCE) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'iat' })
  return claims
}

/** The `typ` of its header, which oauth4webapi has read as JSON before. */
function typeOf (idToken: string): unknown {
  return (JSON.parse(Buffer.from(idToken.split('.', 1)[0]!, 'base64url').toString()) as { typ?: unknown }).typ
}
