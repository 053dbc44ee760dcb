/**
 * How long a return path may be, percent-encoded. It is in the sealed cookie of the login
 * transaction, which grows by a third when it is sealed, and a browser keeps 4 KB of a cookie.
 */
const MAX_LENGTH = 2000

// Browsers read a backslash as a slash, and drop tabs and line breaks in a URL (WHATWG URL §4.4).
const NEVER_IN_A_PATH = /[\\\p{Cc}]/u

/**
 * A path of the app's own origin, percent-encoded: the only form in which a return path is used.
 *
 * @param untrustedReturnTo whatever came as `returnTo`: a path, or a whole URL of the app
 * @param origin the app's public origin
 * @returns the path with query and fragment, without them if it is longer than 2,000 characters;
 * `null` if it could lead anywhere else
 */
export function returnPath(untrustedReturnTo: unknown, origin: string): string | null {
  if (typeof untrustedReturnTo !== 'string') return null
  const untrustedPath = withoutOrigin(untrustedReturnTo, origin)
  if (!untrustedPath.startsWith('/') || NEVER_IN_A_PATH.test(untrustedPath)) return null
  if (!URL.canParse(untrustedPath, origin)) return null
  const { origin: actualOrigin, pathname, search, hash } = new URL(untrustedPath, origin)
  // Dot segments may leave a path that begins with two slashes, which a browser reads as a host.
  if (actualOrigin !== origin || pathname.startsWith('//')) return null
  const candidates = [pathname + search + hash, pathname]
  return candidates.find(({ length }) => length <= MAX_LENGTH) ?? null
}

/** `location.href` begins with the origin in just this spelling. */
function withoutOrigin(untrustedReturnTo: string, origin: string): string {
  if (!untrustedReturnTo.startsWith(origin)) return untrustedReturnTo
  return untrustedReturnTo.slice(origin.length) || '/'
}

/** Adds `returnTo` to a path that starts a login. */
export function withReturnTo(path: string, returnTo: string | null): string {
  return returnTo === null ? path : `${path}?returnTo=${encodeURIComponent(returnTo)}`
}
