import type { OptionReader } from '../../options/option-reader.ts'

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

/** Longer than any test shifts its clock. */
const LONGEST = 1000 * 365 * 24 * HOUR

/** The given lifetimes, and the defaults for the others. */
export function readLifetimes(read: OptionReader): Lifetimes {
  read.known('lifetimes', Object.keys(DEFAULTS))
  const entries = Object.entries(DEFAULTS).map(([name, fallback]) => [
    name,
    read.time(`lifetimes.${name}`, fallback, 1, LONGEST)
  ])
  return Object.fromEntries(entries) as Lifetimes
}
