import { processRevocationResponse, revocationRequest } from 'oauth4webapi'
import type { SentinelClient } from './client.js'
import type { Sentinel } from './endpoints.js'
import { revocationFailure } from './oauth-errors.js'

/**
 * Revocation, RFC 7009 §2.1. Sentinel deviates: it ends the user's session in all LivePerson applications, so this
 * is called only when asked for.
 *
 * @param lookedUp the account's Sentinel; a failed look-up is a failure of the call
 * @throws LE_AUTH_REVOCATION_FAILED
 */
export async function revokeToken (lookedUp: Promise<Sentinel>, client: SentinelClient, refreshToken: string): Promise<void> {
  try {
    const sentinel = await lookedUp
    const response = await revocationRequest(sentinel, client.metadata, client.authentication, refreshToken, client.callOptions)
    await processRevocationResponse(response)
  } catch (error) {
    throw revocationFailure(error)
  }
}
