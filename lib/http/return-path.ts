/** Longer paths are dropped: the login transaction is a cookie, and a cookie holds 4 KB. */
const MAX_LENGTH = 1024

// Browsers read a backslash as a slash, and drop tabs and line breaks in a URL (WHATWG URL §4.4).
const NEVER_IN_A_PATH = /[\\\p{Cc}]/u

/**
 * A path of the app's own origin, percent-encoded: the only form in which a return path is used.
 *
 * @param untrustedReturnTo whatever came as `returnTo`
 * @param origin the app's public origin
 * @returns the path with query and fragment; `null` if it could lead anywhere else
 */
export function returnPath(untrustedReturnTo: unknown, origin: string): string | null {
  if (typeof untrustedReturnTo !== 'string' || untrustedReturnTo.length > MAX_LENGTH) return null
  if (!untrustedReturnTo.startsWith('/') || NEVER_IN_A_PATH.test(untrustedReturnTo)) return null
  if (!URL.canParse(untrustedReturnTo, origin)) return null
  const url = new URL(untrustedReturnTo, origin)
  const path = url.pathname + url.search + url.hash
  // Dot segments may leave a path that begins with two slashes, which a browser reads as a host.
  if (url.origin !== origin || path.startsWith('//') || path.length > MAX_LENGTH) return null
  return path
}

/** Adds `returnTo` to a path that starts a login. */
export function withReturnTo(path: string, returnTo: string | null): string {
  return returnTo === null ? path : `${path}?returnTo=${encodeURIComponent(returnTo)}`
}
