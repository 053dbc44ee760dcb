import {
  authorizationCodeGrantRequest,
  nopkce,
  processAuthorizationCodeResponse
} from 'oauth4webapi'
import { leAuthError } from '../errors.ts'
import { userOf, type User } from './user.ts'
import type { SentinelClient } from './client.ts'
import type { Sentinel } from './endpoints.ts'
import { exchangeFailure } from './failures.ts'
import { idTokenClaims, withEitherIssuer } from './id-token.ts'
import { tokenSet, type TokenSet } from './token-set.ts'

/** What the code exchange needs besides the validated authorization response. */
export interface CodeExchange {
  redirectUri: string
  codeVerifier?: string | undefined
  now: number
}

/** Who logged in, with which tokens. */
export interface ExchangedCode {
  tokens: TokenSet
  user: User
}

/**
 * Token request, RFC 6749 §4.1.3, and the checks of its response. It is sent once: a code works
 * once, so an exchange whose response is lost cannot be repeated.
 *
 * @throws LE_AUTH_SENTINEL_UNAVAILABLE, LE_AUTH_SENTINEL_INVALID, LE_AUTH_CLIENT_REJECTED,
 * LE_AUTH_CALLBACK_INVALID, LE_AUTH_ID_TOKEN_INVALID
 */
export async function exchangeCode(
  sentinel: Sentinel,
  client: SentinelClient,
  validated: URLSearchParams,
  exchange: CodeExchange
): Promise<ExchangedCode> {
  const { redirectUri, codeVerifier = nopkce, now } = exchange
  const { metadata, authentication, callOptions } = client
  try {
    const response = await authorizationCodeGrantRequest(
      sentinel,
      metadata,
      authentication,
      validated,
      redirectUri,
      codeVerifier,
      callOptions
    )
    const result = await withEitherIssuer(sentinel, sentinel =>
      processAuthorizationCodeResponse(sentinel, metadata, response)
    )
    const claims = await idTokenClaims(result, sentinel, client, now)
    if (claims === undefined) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'missing' })
    return { tokens: tokenSet(result, now), user: userOf(claims) }
  } catch (error) {
    throw exchangeFailure(error)
  }
}
