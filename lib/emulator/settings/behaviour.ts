import type { OptionReader } from '../../options/option-reader.ts'

/**
 * The points on which LivePerson's public documents are unclear. Each is a switch, so that a client
 * can be tested against every reading.
 */
export interface Behaviour {
  /**
   * The `iss` of the id_token. Public documents disagree: newer pages print `sentinel`, older pages
   * and tokens print `Sentinel`.
   * @default 'sentinel'
   */
  issuer: 'sentinel' | 'Sentinel'
  /**
   * The `expires_in` of a token response. Public documents disagree: only the newest pages have it,
   * and a numeric string has been seen.
   * @default 'number'
   */
  expiresIn: 'number' | 'string' | 'absent'
  /**
   * Whether a refresh returns a new refresh token, or the same one again. No public document says.
   * @default true
   */
  rotateRefreshToken: boolean
  /**
   * Whether a replaced refresh token is refused from then on. No public document says. Has an
   * effect only with `rotateRefreshToken`.
   * @default true
   */
  oldRefreshTokenDies: boolean
  /**
   * Whether the use of a refused, replaced refresh token also ends the tokens that replaced it
   * (RFC 9700 §4.14.2). No public document says.
   * @default true
   */
  reuseKillsFamily: boolean
  /**
   * The error body of the token and revocation endpoints. No public document says: RFC 6749 §5.2 is
   * likely, other LivePerson services nest an `error` object, and a gateway in front may send HTML.
   * @default 'oauth'
   */
  errorBody: 'oauth' | 'nested' | 'html'
  /**
   * When the response to an authorization code has an id_token. Public documents disagree: the
   * newest pages show it with v=1.0, older pages call 2.0 the version that returns it. The response
   * to a refresh never has one.
   * @default 'always'
   */
  idToken: 'always' | 'v2-only' | 'never'
  /**
   * The key that signs id_tokens. No public document says whether the keys at
   * `/sentinel/well-known/jwks` do, and the examples' signatures have 1024 bits.
   *
   * - `published`: a key that is listed there
   * - `rotated`: a newer key; it and the older one are listed there
   * - `unpublished`: a key that is not listed there
   * - `1024-bit`: a key that is listed there and too short (RFC 7518 §3.3)
   * @default 'published'
   */
  idTokenKey: 'published' | 'rotated' | 'unpublished' | '1024-bit'
  /**
   * How PKCE (RFC 7636) is handled: S256 is checked if it is sent, PKCE is ignored, or PKCE is
   * refused with `invalid_request`. No public document mentions PKCE.
   * @default 'checked'
   */
  pkce: 'checked' | 'ignored' | 'refused'
  /**
   * The Domain API's response for one service. Public documents disagree: one object, or the same
   * list as for all services.
   * @default 'one'
   */
  domainShape: 'one' | 'list'
  /**
   * The error for an authorization code that was used before. RFC 6749 §5.2 says `invalid_grant`.
   * Sentinel is said to send `invalid_client`.
   * @default 'invalid_grant'
   */
  usedCodeError: 'invalid_grant' | 'invalid_client'
}

type Readings = {
  readonly [Name in keyof Behaviour]: readonly [Behaviour[Name], ...Behaviour[Name][]]
}

/** All values of each switch. The first one is the default. */
const READINGS: Readings = {
  issuer: ['sentinel', 'Sentinel'],
  expiresIn: ['number', 'string', 'absent'],
  rotateRefreshToken: [true, false],
  oldRefreshTokenDies: [true, false],
  reuseKillsFamily: [true, false],
  errorBody: ['oauth', 'nested', 'html'],
  idToken: ['always', 'v2-only', 'never'],
  idTokenKey: ['published', 'rotated', 'unpublished', '1024-bit'],
  pkce: ['checked', 'ignored', 'refused'],
  domainShape: ['one', 'list'],
  usedCodeError: ['invalid_grant', 'invalid_client']
}

/** The given switches, and the defaults for the others. */
export function readBehaviour(read: OptionReader): Behaviour {
  read.known('behaviour', Object.keys(READINGS))
  const entries = Object.entries(READINGS).map(([name, readings]) => [
    name,
    read.oneOf<string | boolean>(`behaviour.${name}`, readings, readings[0])
  ])
  return Object.fromEntries(entries) as Behaviour
}
