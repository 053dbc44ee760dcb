import { processRefreshTokenResponse, refreshTokenGrantRequest } from 'oauth4webapi'
import { leAuthError } from '../errors.js'
import type { HttpResponse } from '../http/client.js'
import { tokenSet, type TokenSet } from './token-set.js'
import type { SentinelClient } from './client.js'
import type { Sentinel } from './endpoints.js'
import { idTokenClaims, withEitherIssuer } from './id-token.js'
import { refreshFailure } from './oauth-errors.js'

/** What a refresh needs to know. */
export interface Refreshment {
  refreshToken: string
  /** Whose token it is. */
  userId: string
  now: number
}

/**
 * Refresh, RFC 6749 §6. Sentinel deviates: the answer has no id_token, so the identity stays that of the login; should
 * one come all the same, it must name the same user (OpenID Connect Core §12.2). Whether a new refresh token comes is
 * not documented, so the present one is kept where none does.
 *
 * @param lookedUp the account's Sentinel; a failed look-up is a failure of the call
 * @throws RefreshError
 */
export async function refreshTokens (lookedUp: Promise<Sentinel>, client: SentinelClient, { refreshToken, userId, now }: Refreshment): Promise<TokenSet> {
  let hasIssued = false
  try {
    const sentinel = await lookedUp
    const response = await refreshTokenGrantRequest(sentinel, client.metadata, client.authentication, refreshToken, client.callOptions)
    hasIssued = response.ok
    const answer = await withEitherIssuer(sentinel, await withoutOddRefreshToken(response as unknown as HttpResponse), (sentinel, response) => processRefreshTokenResponse(sentinel, client.metadata, response))
    const subject = idTokenClaims(answer, client.metadata.client_id, now)?.sub ?? userId
    if (subject !== userId) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'sub' })
    // RFC 6749 §6: where no new one comes, or none that can be used, the present one stays.
    return { refreshToken, ...tokenSet(answer, now) }
  } catch (error) {
    throw refreshFailure(error, now, hasIssued)
  }
}

/** A refresh token that is empty or no text is none, and no reason to refuse the access token that came with it. */
async function withoutOddRefreshToken (response: HttpResponse): Promise<Response> {
  const answer = await response.json().catch(() => null) as { refresh_token?: unknown } | null
  const token = answer?.refresh_token
  if (token === undefined || (typeof token === 'string' && token !== '')) return response.asResponse()
  return response.withJson({ ...answer, refresh_token: undefined }).asResponse()
}
