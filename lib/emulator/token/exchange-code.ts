import { checkVerifier } from '../authorize/pkce.ts'
import type { Grant, IssuedCode } from '../ledger.ts'
import { valueOf } from '../parameters.ts'
import { OAuthRefusal } from '../refusals.ts'
import { findAccount, findEnabledUser, type User } from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'
import type { ClientRequest } from './client-request.ts'
import { signIdToken } from './id-token.ts'
import { issueTokens, type TokenResponse } from './token-response.ts'

/**
 * The authorization code grant (RFC 6749 §4.1.3).
 * @throws OAuthRefusal if the code or the request is not valid
 */
export async function exchangeCode(
  emulator: EmulatorState,
  request: ClientRequest
): Promise<TokenResponse> {
  const code = valueOf(request.form, 'code')
  if (!code) throw new OAuthRefusal('invalid_request', 'code is missing')
  const issued = emulator.ledger.codes.get(code)
  if (!issued) throw new OAuthRefusal('invalid_grant', 'the code is unknown or has expired')
  markUsed(emulator, issued)
  checkBinding(emulator, issued, request)
  const user = userOf(emulator, issued.grant)
  const tokens = issueTokens(emulator, issued.grant)
  return wantsIdToken(emulator, request.version)
    ? { ...tokens, id_token: await signIdToken(emulator, issued.grant, user) }
    : tokens
}

// A code that is sent twice may be stolen, so its tokens end too (RFC 6749 §4.1.2).
function markUsed({ ledger, behaviour }: EmulatorState, issued: IssuedCode): void {
  if (issued.used) {
    ledger.endGrant(issued.grant)
    throw new OAuthRefusal(behaviour.usedCodeError, 'the code was used before')
  }
  issued.used = true
}

function checkBinding(
  { behaviour }: EmulatorState,
  { request: authorization }: IssuedCode,
  { accountId, clientId, form }: ClientRequest
): void {
  const redirectUri = valueOf(form, 'redirect_uri')
  if (authorization.accountId !== accountId || authorization.clientId !== clientId) {
    throw new OAuthRefusal('invalid_grant', 'the code belongs to another account or application')
  }
  const isOmittedTwice = redirectUri === undefined && !authorization.redirectUriSent
  if (redirectUri !== authorization.redirectUri && !isOmittedTwice) {
    const description = 'redirect_uri differs from the one of the authorization request'
    throw new OAuthRefusal('invalid_grant', description)
  }
  checkVerifier(behaviour.pkce, authorization.codeChallenge, valueOf(form, 'code_verifier'))
}

/**
 * The user of a grant.
 * @throws OAuthRefusal `invalid_grant` if the user was disabled or removed since
 */
export function userOf({ accounts }: EmulatorState, { accountId, userId }: Grant): User {
  const account = findAccount(accounts, accountId)
  const user = account && findEnabledUser(account, userId)
  if (!user) throw new OAuthRefusal('invalid_grant', 'the user is disabled')
  return user
}

function wantsIdToken({ behaviour }: EmulatorState, version: string): boolean {
  return behaviour.idToken === 'always' || (behaviour.idToken === 'v2-only' && version === '2.0')
}
