import { processRefreshTokenResponse, refreshTokenGrantRequest } from 'oauth4webapi'
import { leAuthError } from '../errors.ts'
import type { HttpResponse } from '../http/http-response.ts'
import type { SentinelClient } from './client.ts'
import type { Sentinel } from './endpoints.ts'
import { refreshFailure } from './failures.ts'
import { idTokenClaims, withEitherIssuer } from './id-token.ts'
import { tokenSet, type TokenSet } from './token-set.ts'

/** What a refresh needs to know. */
export interface RefreshRequest {
  refreshToken: string
  /** The id of the user whose token it is. */
  userId: string
  now: number
}

/**
 * Refresh, RFC 6749 §6. Sentinel deviates: the response has no id_token, so the user stays the one
 * of the login. If one comes all the same, it is checked like that of a login, and must name the
 * same user (OpenID Connect Core §12.2). LivePerson does not document whether a new refresh token
 * comes; if none does, the old one stays.
 *
 * @param lookUp the account's Sentinel; if the look-up fails, the refresh fails
 * @throws RefreshError
 */
export async function refreshTokens(
  lookUp: Promise<Sentinel>,
  client: SentinelClient,
  { refreshToken, userId, now }: RefreshRequest
): Promise<TokenSet> {
  const { metadata, authentication, callOptions } = client
  let hasIssued = false
  try {
    const sentinel = await lookUp
    const response = await refreshTokenGrantRequest(
      sentinel,
      metadata,
      authentication,
      refreshToken,
      callOptions
    )
    hasIssued = response.ok
    const usable = await withoutOddRefreshToken(response as unknown as HttpResponse)
    const result = await withEitherIssuer(sentinel, sentinel =>
      processRefreshTokenResponse(sentinel, metadata, usable)
    )
    const claims = await idTokenClaims(result, sentinel, client, now)
    const subject = claims?.sub ?? userId
    if (subject !== userId) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'sub' })
    return { refreshToken, ...tokenSet(result, now) }
  } catch (error) {
    throw refreshFailure(error, now, hasIssued)
  }
}

/** An empty or malformed refresh token counts as none, so that its access token can be used. */
async function withoutOddRefreshToken(response: HttpResponse): Promise<Response> {
  const body = (await response.json().catch(() => null)) as { refresh_token?: unknown } | null
  const token = body?.refresh_token
  if (token === undefined || (typeof token === 'string' && token !== '')) {
    return response.asResponse()
  }
  return response.withJson({ ...body, refresh_token: undefined }).asResponse()
}
