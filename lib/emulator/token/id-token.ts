import { SignJWT } from 'jose'
import type { Grant } from '../ledger.ts'
import type { User } from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'

/**
 * Signs an id_token (OpenID Connect Core §2). Sentinel deviates: `iss` is a plain word instead of a
 * URL, and there is no nonce. `email` and `username` are not documented, but have been seen.
 */
export async function signIdToken(
  { behaviour, lifetimes, now, signingKey }: EmulatorState,
  grant: Grant,
  user: User
): Promise<string> {
  const { isAdmin, isLpa, email, loginName } = user
  const issuedAt = Math.floor(now() / 1000)
  return await new SignJWT({ is_admin: isAdmin, is_lpa: isLpa, email, username: loginName })
    .setProtectedHeader({ alg: 'RS256', kid: signingKey.kid, typ: 'JWT' })
    .setSubject(user.id)
    .setAudience(grant.clientId)
    .setIssuer(behaviour.issuer)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.floor(lifetimes.idToken / 1000))
    .sign(signingKey.privateKey)
}
