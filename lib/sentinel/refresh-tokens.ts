import { processRefreshTokenResponse, refreshTokenGrantRequest } from 'oauth4webapi'
import { tokenSet, type TokenSet } from '../tokens/token-set.js'
import type { SentinelClient } from './client.js'
import type { Sentinel } from './endpoints.js'
import { refreshFailure } from './oauth-errors.js'

/**
 * Refresh, RFC 6749 §6. Sentinel deviates: the answer has no id_token, so the identity stays that of the login;
 * and whether a new refresh token comes is not documented, so the present one is kept where none does.
 *
 * @param lookedUp the account's Sentinel; a failed look-up is a failure of the call
 * @throws LE_AUTH_SESSION_ENDED when Sentinel says that the refresh token is dead, LE_AUTH_REFRESH_UNAVAILABLE otherwise
 */
export async function refreshTokens (lookedUp: Promise<Sentinel>, client: SentinelClient, refreshToken: string, now: number): Promise<TokenSet> {
  try {
    const sentinel = await lookedUp
    const response = await refreshTokenGrantRequest(sentinel, client.metadata, client.authentication, refreshToken, client.callOptions)
    const answer = await processRefreshTokenResponse(sentinel, client.metadata, response)
    return tokenSet({ refresh_token: refreshToken, ...answer }, now)
  } catch (error) {
    throw refreshFailure(error)
  }
}
