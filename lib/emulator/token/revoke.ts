import type { FastifyInstance } from 'fastify'
import { valueOf } from '../parameters.ts'
import { OAuthRefusal } from '../refusals.ts'
import type { EmulatorState } from '../state.ts'
import { readClientRequest } from './client-request.ts'

const URL_PATTERN = '/sentinel/api/account/:accountId/token/revoke'

/**
 * The revocation endpoint (RFC 7009). Sentinel deviates: it ends not only the token, but all codes,
 * tokens and single sign-on sessions of its user, in every application.
 */
export function revokeRoutes(app: FastifyInstance, emulator: EmulatorState): void {
  app.post<{ Params: { accountId: string } }>(URL_PATTERN, (request, reply) => {
    const { accountId, clientId, form } = readClientRequest(emulator, request, ['1.0'])
    const token = valueOf(form, 'token')
    if (!token) throw new OAuthRefusal('invalid_request', 'token is missing')
    const grant = emulator.ledger.refreshTokens.get(token)?.grant
    // An unknown token counts as revoked (RFC 7009 §2.2). Another application's token is ignored.
    if (grant?.accountId === accountId && grant.clientId === clientId) {
      emulator.ledger.endUser(accountId, grant.userId)
    }
    return reply.code(200).send()
  })
}
