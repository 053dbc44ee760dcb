import type { IDToken, JsonValue } from 'oauth4webapi'
import { leAuthError } from '../errors.js'

/** Far beyond any id that LivePerson prints, and OpenID Connect Core §2's own limit. */
const MAX_SUBJECT_LENGTH = 255
/** Control, format and bidirectional characters, lone surrogates, line separators: in no id, but they would break a log line or a header. */
const NOT_PRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u
/** What the answer says about itself, not about the user. */
const PROTOCOL_CLAIMS = ['iss', 'aud', 'azp', 'exp', 'iat', 'nbf', 'jti', 'nonce', 'auth_time', 'acr', 'amr', 'at_hash', 'c_hash', 's_hash', 'sub', 'is_admin', 'is_lpa']
const NEVER_A_CLAIM = ['__proto__', 'constructor', 'prototype']

/** Who is logged in. */
export interface User {
  /** LivePerson's user id (`sub`): opaque, unique only within its account. */
  id: string
  /** Whether the user administers the account (`is_admin`). */
  isAdmin: boolean
  /** Whether the user belongs to LivePerson's staff (`is_lpa`). */
  isLpa: boolean
  /** What else the id_token said, untouched; `email` and `username` have been seen, none is documented. */
  claims: Record<string, JsonValue>
}

/**
 * The user that checked claims name.
 *
 * @throws LE_AUTH_ID_TOKEN_INVALID
 */
export function userOf (idToken: IDToken): User {
  if (idToken.sub === '' || idToken.sub.length > MAX_SUBJECT_LENGTH || NOT_PRINTABLE.test(idToken.sub)) throw leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason: 'sub' })
  return {
    id: idToken.sub,
    // Only a real `true` gives a right: "false" in quotes is a true value too.
    isAdmin: idToken.is_admin === true,
    isLpa: idToken.is_lpa === true,
    claims: Object.fromEntries(furtherClaims(idToken))
  }
}

function furtherClaims (idToken: IDToken): Array<[string, JsonValue]> {
  return Object.entries(idToken).filter((entry): entry is [string, JsonValue] =>
    entry[1] !== undefined && !PROTOCOL_CLAIMS.includes(entry[0]) && !NEVER_A_CLAIM.includes(entry[0]))
}
