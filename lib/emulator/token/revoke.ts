import type { FastifyInstance } from 'fastify'
import { valueOf } from '../parameters.js'
import { OAuthRefusal } from '../refusals.js'
import type { EmulatorState } from '../state.js'
import { readClientRequest } from './client-request.js'

/**
 * The revocation endpoint (RFC 7009). Sentinel deviates: not the token alone ends, but all sessions of its user, in
 * every application.
 */
export function revokeRoutes (app: FastifyInstance, emulator: EmulatorState): void {
  app.post<{ Params: { accountId: string } }>('/sentinel/api/account/:accountId/token/revoke', (request, reply) => {
    const { accountId, clientId, form } = readClientRequest(emulator, request, ['1.0'])
    const token = valueOf(form, 'token')
    if (!token) throw new OAuthRefusal('invalid_request', 'token is missing')
    const grant = emulator.ledger.refreshTokens.get(token)?.grant
    // An unknown token is as good as revoked (RFC 7009 §2.2); another application's is none of the caller's.
    if (grant?.accountId === accountId && grant.clientId === clientId) emulator.ledger.endUser(accountId, grant.userId)
    return reply.code(200).send()
  })
}
