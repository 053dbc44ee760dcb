import type { IDToken, JsonValue } from 'oauth4webapi'
import { leAuthError } from '../errors.ts'

/** Far longer than any id that LivePerson prints, and the limit of OpenID Connect Core §2. */
const MAX_SUBJECT_LENGTH = 255
/** Control, format and bidirectional characters, lone surrogates and line separators. */
const NOT_PRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u
/** Claims about the token itself, and those that are fields of {@link User}. */
const OTHER_CLAIMS = [
  'iss',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'auth_time',
  'acr',
  'amr',
  'at_hash',
  'c_hash',
  's_hash',
  'sub',
  'is_admin',
  'is_lpa'
]
const NEVER_A_CLAIM = ['__proto__', 'constructor', 'prototype']

/** The user who is logged in. */
export interface User {
  /** LivePerson's user id (`sub`): opaque, and unique only within its account. */
  id: string
  /** Whether the user administers the account (`is_admin`). */
  isAdmin: boolean
  /** Whether the user belongs to LivePerson's staff (`is_lpa`). */
  isLpa: boolean
  /** The other claims, unchanged. `email` and `username` have been seen; none is documented. */
  claims: Record<string, JsonValue>
}

/**
 * The user of checked claims.
 *
 * @throws LE_AUTH_ID_TOKEN_INVALID
 */
export function userOf(idToken: IDToken): User {
  const { sub } = idToken
  if (sub === '' || sub.length > MAX_SUBJECT_LENGTH || NOT_PRINTABLE.test(sub)) {
    throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'sub' })
  }
  return {
    id: sub,
    // Only a real `true` gives a right: the text "false" is truthy.
    isAdmin: idToken.is_admin === true,
    isLpa: idToken.is_lpa === true,
    claims: Object.fromEntries(Object.entries(idToken).filter(isFurtherClaim))
  }
}

function isFurtherClaim(entry: [string, unknown]): entry is [string, JsonValue] {
  const [name, value] = entry
  return value !== undefined && !OTHER_CLAIMS.includes(name) && !NEVER_A_CLAIM.includes(name)
}
