import type { FastifyInstance } from 'fastify'
import { valueOf } from '../parameters.ts'
import { OAuthRefusal, sendJson } from '../refusals.ts'
import type { EmulatorState } from '../state.ts'
import { readClientRequest, type ClientRequest } from './client-request.ts'
import { exchangeCode } from './exchange-code.ts'
import { refreshTokens } from './refresh-tokens.ts'
import type { TokenResponse } from './token-response.ts'

const URL_PATTERN = '/sentinel/api/account/:accountId/token'

/** The token endpoint (RFC 6749 §3.2). */
export function tokenRoutes(app: FastifyInstance, emulator: EmulatorState): void {
  app.post<{ Params: { accountId: string } }>(URL_PATTERN, async (request, reply) => {
    const clientRequest = readClientRequest(emulator, request, ['1.0', '2.0'])
    const response = await tokenResponse(emulator, clientRequest)
    return sendJson(reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }), response)
  })
}

async function tokenResponse(
  emulator: EmulatorState,
  request: ClientRequest
): Promise<TokenResponse> {
  switch (valueOf(request.form, 'grant_type')) {
    case 'authorization_code':
      return await exchangeCode(emulator, request)
    case 'refresh_token':
      return refreshTokens(emulator, request)
    case undefined:
      throw new OAuthRefusal('invalid_request', 'grant_type is missing')
    default:
      throw new OAuthRefusal(
        'unsupported_grant_type',
        'only authorization_code and refresh_token are supported'
      )
  }
}
