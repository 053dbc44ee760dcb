import type { IssuedRefreshToken } from '../ledger.ts'
import { valueOf } from '../parameters.ts'
import { OAuthRefusal } from '../refusals.ts'
import type { EmulatorState } from '../state.ts'
import type { ClientRequest } from './client-request.ts'
import { userOf } from './exchange-code.ts'
import { issueTokens, type TokenResponse } from './token-response.ts'

/**
 * The refresh grant (RFC 6749 §6). Its response never has an id_token. It extends the single
 * sign-on session.
 * @throws OAuthRefusal if the refresh token or the request is not valid
 */
export function refreshTokens(emulator: EmulatorState, request: ClientRequest): TokenResponse {
  const { behaviour, ledger, lifetimes } = emulator
  const token = valueOf(request.form, 'refresh_token')
  if (!token) throw new OAuthRefusal('invalid_request', 'refresh_token is missing')
  const issued = checkOwner(ledger.refreshTokens.get(token), request)
  if (issued.replaced) refuseReplaced(emulator, issued)
  userOf(emulator, issued.grant)
  ledger.ssoSessions.extend(issued.grant.ssoId, lifetimes.ssoSession)
  if (!behaviour.rotateRefreshToken) return issueTokens(emulator, issued.grant, token)
  issued.replaced = true
  return issueTokens(emulator, issued.grant)
}

function checkOwner(
  issued: IssuedRefreshToken | undefined,
  { accountId, clientId }: ClientRequest
): IssuedRefreshToken {
  if (issued?.grant.accountId !== accountId || issued.grant.clientId !== clientId) {
    throw new OAuthRefusal(
      'invalid_grant',
      'the refresh token is unknown, has expired, or belongs to another application'
    )
  }
  return issued
}

function refuseReplaced({ behaviour, ledger }: EmulatorState, issued: IssuedRefreshToken): void {
  if (!behaviour.oldRefreshTokenDies) return
  if (behaviour.reuseKillsFamily) ledger.endGrant(issued.grant)
  throw new OAuthRefusal('invalid_grant', 'the refresh token was used before')
}
