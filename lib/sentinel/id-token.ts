import { isUtf8 } from 'node:buffer'
import { getValidatedIdTokenClaims, type IDToken, type TokenEndpointResponse } from 'oauth4webapi'
import { leAuthError, type IdTokenReason } from '../errors.ts'
import { CLOCK_TOLERANCE, type SentinelClient } from './client.ts'
import type { Sentinel } from './endpoints.ts'
import { isIssuerMismatch } from './failures.ts'

/**
 * Three parts, the last one a signature (RFC 7515 §3.1). oauth4webapi does not check that there is
 * one.
 */
const SIGNED = /^[\w-]+\.[\w-]+\.[\w-]+$/
/** The documents' examples have 500 characters, and the claims are stored with the login. */
const MAX_LENGTH = 8192
/** RFC 9068 §2.1 */
const ACCESS_TOKEN_TYPE = /^(application\/)?at\+jwt$/i

type Check = (sentinel: Sentinel) => Promise<TokenEndpointResponse>

/**
 * Sentinel deviates: its issuer is not a URL but the word `sentinel`, or `Sentinel` in older pages
 * and tokens. These two are accepted, and nothing else.
 */
export async function withEitherIssuer(
  sentinel: Sentinel,
  check: Check
): Promise<TokenEndpointResponse> {
  try {
    return await check(sentinel)
  } catch (error) {
    if (!isIssuerMismatch(error)) throw error
    return await check({ ...sentinel, issuer: 'Sentinel' })
  }
}

/**
 * The claims of the id_token in a token response, if there is one. oauth4webapi has checked `iss`,
 * `aud`, `exp`, `iat` and `sub` as the specification demands. This checks what it leaves open, and
 * the signature if the app wants that.
 *
 * @param client the client that the id_token must be for
 * @throws LE_AUTH_ID_TOKEN_INVALID, LE_AUTH_SENTINEL_UNAVAILABLE, LE_AUTH_SENTINEL_INVALID
 */
export async function idTokenClaims(
  response: TokenEndpointResponse,
  sentinel: Sentinel,
  { metadata, signatures }: SentinelClient,
  now: number
): Promise<IDToken | undefined> {
  const claims = getValidatedIdTokenClaims(response)
  if (claims === undefined) return undefined
  const idToken = response.id_token!
  const reason = tokenProblem(idToken) ?? claimsProblem(claims, metadata.client_id, now)
  if (reason !== null) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason })
  // Last, so that no key is fetched for a token that is refused anyway.
  await signatures?.check(sentinel.jwks_uri, idToken)
  return claims
}

function tokenProblem(idToken: string): IdTokenReason | null {
  if (idToken.length > MAX_LENGTH) return 'too_large'
  if (!SIGNED.test(idToken)) return 'malformed'
  const [header, payload] = idToken.split('.').map(part => Buffer.from(part, 'base64url'))
  if (!isUtf8(payload!)) return 'malformed'
  // RFC 8725 §3.11: an access token does not say who logged in. oauth4webapi has parsed this
  // header.
  const { typ } = JSON.parse(header!.toString()) as { typ?: unknown }
  return ACCESS_TOKEN_TYPE.test(String(typ)) ? 'typ' : null
}

function claimsProblem(
  { azp, exp, iat }: IDToken,
  clientId: string,
  now: number
): IdTokenReason | null {
  // OpenID Connect Core §3.1.3.7 (5). oauth4webapi checks it only if there are several audiences.
  if (azp !== undefined && azp !== clientId) return 'azp'
  if (!Number.isSafeInteger(Math.floor(exp))) return 'exp'
  return iat > now / 1000 + CLOCK_TOLERANCE ? 'iat' : null
}
