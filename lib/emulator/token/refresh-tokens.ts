import type { IssuedRefreshToken } from '../ledger.js'
import { valueOf } from '../parameters.js'
import { OAuthRefusal } from '../refusals.js'
import type { EmulatorState } from '../state.js'
import type { ClientRequest } from './client-request.js'
import { userOf } from './exchange-code.js'
import { issueTokens, type TokenAnswer } from './token-answer.js'

/**
 * The refresh grant (RFC 6749 §6). It never answers with an id_token, and extends the single sign-on session.
 * @throws OAuthRefusal
 */
export function refreshTokens (emulator: EmulatorState, asked: ClientRequest): TokenAnswer {
  const { behaviour, ledger, lifetimes } = emulator
  const token = valueOf(asked.form, 'refresh_token')
  if (!token) throw new OAuthRefusal('invalid_request', 'refresh_token is missing')
  const issued = ownToken(ledger.refreshTokens.get(token), asked)
  if (issued.replaced) refuseReplaced(emulator, issued)
  userOf(emulator, issued.grant)
  ledger.ssoSessions.extend(issued.grant.ssoId, lifetimes.ssoSession)
  if (!behaviour.rotateRefreshToken) return issueTokens(emulator, issued.grant, token)
  issued.replaced = true
  return issueTokens(emulator, issued.grant)
}

function ownToken (issued: IssuedRefreshToken | undefined, asked: ClientRequest): IssuedRefreshToken {
  if (issued?.grant.accountId !== asked.accountId || issued.grant.clientId !== asked.clientId) {
    throw new OAuthRefusal('invalid_grant', 'the refresh token is unknown, has expired, or is of another application')
  }
  return issued
}

function refuseReplaced ({ behaviour, ledger }: EmulatorState, issued: IssuedRefreshToken): void {
  if (!behaviour.oldRefreshTokenDies) return
  if (behaviour.reuseKillsFamily) ledger.endGrant(issued.grant)
  throw new OAuthRefusal('invalid_grant', 'the refresh token was used before')
}
