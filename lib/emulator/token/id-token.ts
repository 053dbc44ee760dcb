import { sign } from 'node:crypto'
import type { Grant } from '../ledger.ts'
import type { User } from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'
import { signingKey } from './signing-key.ts'

/**
 * Signs an id_token (OpenID Connect Core §2). Sentinel deviates: `iss` is a plain word instead of a
 * URL, and there is no nonce. `email` and `username` are not documented, but have been seen.
 */
export async function signIdToken(
  { behaviour, lifetimes, now }: EmulatorState,
  grant: Grant,
  user: User
): Promise<string> {
  const { privateKey, publicJwk } = await signingKey(behaviour)
  const issuedAt = Math.floor(now() / 1000)
  const claims = {
    is_admin: user.isAdmin,
    is_lpa: user.isLpa,
    email: user.email,
    username: user.loginName,
    sub: user.id,
    aud: grant.clientId,
    iss: behaviour.issuer,
    iat: issuedAt,
    exp: issuedAt + Math.floor(lifetimes.idToken / 1000)
  }
  const header = { alg: 'RS256', kid: publicJwk.kid, typ: 'JWT' }
  const input = [header, claims].map(encoded).join('.')
  // Not by jose, which refuses keys of 1024 bits (RFC 7518 §3.3).
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
