/** How long things are valid, each in ms. */
export interface Lifetimes {
  /** An authorization code. RFC 6749 §4.1.2 allows at most ten minutes. @default 60000, a minute */
  code: number
  /** The login page and its cookie `ibs_id`. @default 600000, the documented ten minutes */
  pendingLogin: number
  /** An access token. Also sent as `expires_in`. @default 3600000, an hour */
  accessToken: number
  /** An id_token. @default 600000, the documented ten minutes */
  idToken: number
  /** A refresh token. No public document says how long. @default 28800000, eight hours */
  refreshToken: number
  /**
   * The single sign-on session, from the login or the last refresh.
   * @default 28800000, LivePerson's eight hours
   */
  ssoSession: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const DEFAULTS: Readonly<Lifetimes> = {
  code: MINUTE,
  pendingLogin: 10 * MINUTE,
  accessToken: HOUR,
  idToken: 10 * MINUTE,
  refreshToken: 8 * HOUR,
  ssoSession: 8 * HOUR
}

/** The given lifetimes, and the defaults for the others. */
export function lifetimesFrom (given: Partial<Lifetimes>): Lifetimes {
  return { ...DEFAULTS, ...given }
}

/** The problems of the `lifetimes` option, one message each. */
export function * lifetimeProblems (given: Partial<Lifetimes>): Generator<string> {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULTS, name)) yield `lifetimes.${name} is not an option`
    else if (!Number.isFinite(value) || value <= 0) {
      yield `lifetimes.${name} must be a time in ms above 0, not ${value}`
    }
  }
}
