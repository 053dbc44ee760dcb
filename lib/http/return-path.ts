/** Longer paths are not kept: the login transaction travels in a cookie, and 4 KB is all a browser takes. */
const MAX_LENGTH = 1024

// Browsers read a backslash as a slash and drop tabs and line breaks inside a URL (WHATWG URL §4.4).
const NEVER_IN_A_PATH = /[\\\p{Cc}]/u

/**
 * The one form in which a return path leaves this plugin: a path of the app's own origin, percent-encoded.
 *
 * @param untrustedReturnTo whatever came as `returnTo`
 * @param origin the app's public origin
 * @returns the path with query and fragment, or `null` where it could lead anywhere else
 */
export function returnPath (untrustedReturnTo: unknown, origin: string): string | null {
  if (typeof untrustedReturnTo !== 'string' || untrustedReturnTo.length > MAX_LENGTH) return null
  if (!untrustedReturnTo.startsWith('/') || NEVER_IN_A_PATH.test(untrustedReturnTo)) return null
  if (!URL.canParse(untrustedReturnTo, origin)) return null
  const url = new URL(untrustedReturnTo, origin)
  const path = url.pathname + url.search + url.hash
  // Dot segments may leave a path that begins with two slashes, which is a host to a browser.
  if (url.origin !== origin || path.startsWith('//') || path.length > MAX_LENGTH) return null
  return path
}

/** A path of the app, with a return path for the login that it leads to. */
export function withReturnTo (path: string, returnTo: string | null): string {
  return returnTo === null ? path : `${path}?returnTo=${encodeURIComponent(returnTo)}`
}
