import { authorizationCodeGrantRequest, nopkce, processAuthorizationCodeResponse } from 'oauth4webapi'
import { leAuthError } from '../errors.js'
import { tokenSet, type TokenSet } from './token-set.js'
import { userOf, type User } from './claims.js'
import type { SentinelClient } from './client.js'
import type { Sentinel } from './endpoints.js'
import { idTokenClaims, withEitherIssuer } from './id-token.js'
import { exchangeFailure } from './oauth-errors.js'

/** What the code exchange needs besides the validated authorization response. */
export interface CodeExchange {
  redirectUri: string
  codeVerifier?: string
  now: number
}

/**
 * Token request, RFC 6749 §4.1.3, and the checks of its answer. Sent once: a code works once, so that an
 * exchange whose answer got lost cannot be repeated.
 *
 * @throws LE_AUTH_SENTINEL_UNAVAILABLE, LE_AUTH_SENTINEL_INVALID, LE_AUTH_CLIENT_REJECTED, LE_AUTH_CODE_REJECTED, LE_AUTH_ID_TOKEN_MISSING, LE_AUTH_ID_TOKEN_INVALID
 */
export async function exchangeCode (sentinel: Sentinel, client: SentinelClient, validatedResponse: URLSearchParams, exchange: CodeExchange): Promise<{ tokens: TokenSet, user: User }> {
  try {
    const response = await authorizationCodeGrantRequest(sentinel, client.metadata, client.authentication, validatedResponse,
      exchange.redirectUri, exchange.codeVerifier ?? nopkce, client.callOptions)
    const answer = await withEitherIssuer(sentinel, response, (sentinel, response) => processAuthorizationCodeResponse(sentinel, client.metadata, response))
    const claims = idTokenClaims(answer, client.metadata.client_id, exchange.now)
    if (claims === undefined) throw leAuthError('LE_AUTH_ID_TOKEN_MISSING')
    return { tokens: tokenSet(answer, exchange.now), user: userOf(claims) }
  } catch (error) {
    throw exchangeFailure(error)
  }
}
