import { checkVerifier } from '../authorize/pkce.js'
import type { Grant, IssuedCode } from '../ledger.js'
import { valueOf } from '../parameters.js'
import { OAuthRefusal } from '../refusals.js'
import { findAccount, findEnabledUser, type User } from '../settings/accounts.js'
import type { EmulatorState } from '../state.js'
import type { ClientRequest } from './client-request.js'
import { signIdToken } from './id-token.js'
import { issueTokens, type TokenAnswer } from './token-answer.js'

/**
 * The authorization code grant (RFC 6749 §4.1.3).
 * @throws OAuthRefusal
 */
export async function exchangeCode (emulator: EmulatorState, asked: ClientRequest): Promise<TokenAnswer> {
  const code = valueOf(asked.form, 'code')
  if (!code) throw new OAuthRefusal('invalid_request', 'code is missing')
  const issued = emulator.ledger.codes.get(code)
  if (!issued) throw new OAuthRefusal('invalid_grant', 'the code is unknown or has expired')
  useUp(emulator, issued)
  checkBinding(emulator, issued, asked)
  const user = userOf(emulator, issued.grant)
  const tokens = issueTokens(emulator, issued.grant)
  return wantsIdToken(emulator, asked.version)
    ? { ...tokens, id_token: await signIdToken(emulator, issued.grant, user) }
    : tokens
}

// A code that comes twice may have been stolen, so what it was exchanged for ends too (RFC 6749 §4.1.2).
function useUp ({ ledger, behaviour }: EmulatorState, issued: IssuedCode): void {
  if (issued.used) {
    ledger.endGrant(issued.grant)
    throw new OAuthRefusal(behaviour.usedCodeError, 'the code was used before')
  }
  issued.used = true
}

function checkBinding ({ behaviour }: EmulatorState, { request }: IssuedCode, asked: ClientRequest): void {
  const redirectUri = valueOf(asked.form, 'redirect_uri')
  if (request.accountId !== asked.accountId || request.clientId !== asked.clientId) {
    throw new OAuthRefusal('invalid_grant', 'the code is of another account or application')
  }
  const isLeftOutTwice = redirectUri === undefined && !request.redirectUriSent
  if (redirectUri !== request.redirectUri && !isLeftOutTwice) {
    throw new OAuthRefusal('invalid_grant', 'redirect_uri is not the one of the authorization request')
  }
  checkVerifier(behaviour.pkce, request.codeChallenge, valueOf(asked.form, 'code_verifier'))
}

/** The user of a grant. @throws OAuthRefusal when they were disabled or removed since. */
export function userOf ({ accounts }: EmulatorState, { accountId, userId }: Grant): User {
  const account = findAccount(accounts, accountId)
  const user = account && findEnabledUser(account, userId)
  if (!user) throw new OAuthRefusal('invalid_grant', 'the user is disabled')
  return user
}

function wantsIdToken ({ behaviour }: EmulatorState, version: string): boolean {
  return behaviour.idToken === 'always' || (behaviour.idToken === 'v2-only' && version === '2.0')
}
