import { processRevocationResponse, revocationRequest } from 'oauth4webapi'
import type { SentinelClient } from './client.ts'
import type { Sentinel } from './endpoints.ts'
import { revocationFailure } from './failures.ts'

/**
 * Revocation, RFC 7009 §2.1. Sentinel deviates: it ends the user's session in all LivePerson
 * applications, so this is called only if the app demands it.
 *
 * @param lookUp the account's Sentinel; if the look-up fails, the revocation fails
 * @throws LE_AUTH_REVOCATION_FAILED
 */
export async function revokeToken(
  lookUp: Promise<Sentinel>,
  client: SentinelClient,
  refreshToken: string
): Promise<void> {
  const { metadata, authentication, callOptions } = client
  try {
    const response = await revocationRequest(
      await lookUp,
      metadata,
      authentication,
      refreshToken,
      callOptions
    )
    await processRevocationResponse(response)
  } catch (error) {
    throw revocationFailure(error)
  }
}
