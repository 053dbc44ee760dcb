/**
 * The doubtful readings of LivePerson's public documents. Each is a switch, so that a client can be tried against
 * all of them. The first value named is the default.
 */
export interface Behaviour {
  /**
   * The id_token's `iss`. Public documents disagree: the newer pages print `sentinel`, older pages and tokens `Sentinel`.
   * @default 'sentinel'
   */
  issuer: 'sentinel' | 'Sentinel'
  /**
   * `expires_in` of a token answer. Public documents disagree: only the newest pages have it, and a numeric string
   * has been seen.
   * @default 'number'
   */
  expiresIn: 'number' | 'string' | 'absent'
  /**
   * Whether a refresh answers with a new refresh token, or with the same one. Nothing public says.
   * @default true
   */
  rotateRefreshToken: boolean
  /**
   * Whether a refresh token that has been replaced is refused from then on. Nothing public says; it matters only
   * with `rotateRefreshToken`.
   * @default true
   */
  oldRefreshTokenDies: boolean
  /**
   * Whether presenting a dead, replaced refresh token also ends the tokens that replaced it (RFC 9700 §4.14.2).
   * Nothing public says.
   * @default true
   */
  reuseKillsFamily: boolean
  /**
   * The body of an error of the token and revocation endpoints. Nothing public says: RFC 6749 §5.2 is likely,
   * other LivePerson services nest an `error` object, and a gateway in front may answer HTML.
   * @default 'oauth'
   */
  errorBody: 'oauth' | 'nested' | 'html'
  /**
   * When the answer to an authorization code has an id_token. Public documents disagree: newest pages show it with
   * v=1.0, older ones call 2.0 the version that returns it. A refresh never has one.
   * @default 'always'
   */
  idToken: 'always' | 'v2-only' | 'never'
  /**
   * What PKCE (RFC 7636) meets. Nothing public mentions it: S256 checked when it is sent, ignored, or refused with
   * `invalid_request`.
   * @default 'checked'
   */
  pkce: 'checked' | 'ignored' | 'refused'
  /**
   * What the Domain API answers under the address of one service. Public documents disagree: one object, or the
   * list that the address of all services answers.
   * @default 'one'
   */
  domainShape: 'one' | 'list'
  /**
   * The error for an authorization code that was used before. RFC 6749 §5.2 says `invalid_grant`; Sentinel is said
   * to answer `invalid_client`.
   * @default 'invalid_grant'
   */
  usedCodeError: 'invalid_grant' | 'invalid_client'
}

type Readings = { readonly [K in keyof Behaviour]: readonly [Behaviour[K], ...Behaviour[K][]] }

const READINGS: Readings = {
  issuer: ['sentinel', 'Sentinel'],
  expiresIn: ['number', 'string', 'absent'],
  rotateRefreshToken: [true, false],
  oldRefreshTokenDies: [true, false],
  reuseKillsFamily: [true, false],
  errorBody: ['oauth', 'nested', 'html'],
  idToken: ['always', 'v2-only', 'never'],
  pkce: ['checked', 'ignored', 'refused'],
  domainShape: ['one', 'list'],
  usedCodeError: ['invalid_grant', 'invalid_client']
}

/** The given switches on top of the defaults. */
export function behaviourFrom (given: Partial<Behaviour>): Behaviour {
  const defaults = Object.entries(READINGS).map(([name, readings]) => [name, readings[0]])
  return { ...Object.fromEntries(defaults), ...given }
}

/** What is wrong with the `behaviour` option, a sentence each. */
export function * behaviourProblems (given: Partial<Behaviour>): Generator<string> {
  for (const [name, value] of Object.entries(given)) {
    const readings: readonly unknown[] | undefined = READINGS[name as keyof Behaviour]
    if (!readings) yield `behaviour.${name} is not an option`
    else if (!readings.includes(value)) yield `behaviour.${name} must be ${readings.join(' or ')}, not ${value}`
  }
}
