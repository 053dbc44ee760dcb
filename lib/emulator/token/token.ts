import type { FastifyInstance } from 'fastify'
import { valueOf } from '../parameters.js'
import { OAuthRefusal, sendJson } from '../refusals.js'
import type { EmulatorState } from '../state.js'
import { readClientRequest, type ClientRequest } from './client-request.js'
import { exchangeCode } from './exchange-code.js'
import { refreshTokens } from './refresh-tokens.js'
import type { TokenAnswer } from './token-answer.js'

/** The token endpoint (RFC 6749 §3.2). */
export function tokenRoutes (app: FastifyInstance, emulator: EmulatorState): void {
  app.post<{ Params: { accountId: string } }>('/sentinel/api/account/:accountId/token', async (request, reply) => {
    const asked = readClientRequest(emulator, request, ['1.0', '2.0'])
    const answer = await answerGrant(emulator, asked)
    return sendJson(reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }), answer)
  })
}

async function answerGrant (emulator: EmulatorState, asked: ClientRequest): Promise<TokenAnswer> {
  switch (valueOf(asked.form, 'grant_type')) {
    case 'authorization_code': return await exchangeCode(emulator, asked)
    case 'refresh_token': return refreshTokens(emulator, asked)
    case undefined: throw new OAuthRefusal('invalid_request', 'grant_type is missing')
    default: throw new OAuthRefusal('unsupported_grant_type', 'only authorization_code and refresh_token are supported')
  }
}
