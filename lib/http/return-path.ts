/**
 * The most bytes of a return path in the cookie of a login, in UTF-8. The response that sets this
 * cookie then has less than the 4 KB of headers that nginx takes from an app by default.
 */
const MAX_STORED = 1536
/** The most characters of a return path in a Location header, percent-encoded: also for nginx. */
const MAX_LENGTH = 3072

// Browsers read a backslash as a slash, and drop tabs and line breaks in a URL (WHATWG URL §4.4).
const NEVER_IN_A_PATH = /[\\\p{Cc}]/u
/** Bytes beyond ASCII, as the URL standard percent-encodes them. */
const ENCODED_BYTES = /(?:%[89A-F][\dA-F])+/g
const BEYOND_ASCII = /[^\0-\x7f]+/g

/**
 * A path of the app's own origin, percent-encoded: the only form in which a return path is used.
 *
 * @param untrustedReturnTo whatever came as `returnTo`: a path, or a whole URL of the app's origin
 * @param origin the app's public origin
 * @returns the path with query and fragment, or without them if they make it longer than 1,536
 * bytes of UTF-8 or 3,072 percent-encoded characters; `null` if the path alone is longer, or could
 * lead anywhere else
 */
export function returnPath(untrustedReturnTo: unknown, origin: string): string | null {
  const path = ownPath(untrustedReturnTo, origin)
  if (path === null || fits(path)) return path
  const [withoutQuery = ''] = path.split(/[?#]/, 1)
  return fits(withoutQuery) ? withoutQuery : null
}

/** As {@link returnPath}, but `null` if it is too long, instead of without its query. */
export function wholeReturnPath(untrustedReturnTo: unknown, origin: string): string | null {
  const path = ownPath(untrustedReturnTo, origin)
  return path !== null && fits(path) ? path : null
}

function ownPath(untrusted: unknown, origin: string): string | null {
  if (typeof untrusted !== 'string' || NEVER_IN_A_PATH.test(untrusted)) return null
  const text = withoutOrigin(untrusted, origin)
  if (!text.startsWith('/') || !URL.canParse(text, origin)) return null
  const url = new URL(text, origin)
  const path = url.pathname + url.search + url.hash
  // Dot segments may leave a path that begins with two slashes, which a browser reads as a host.
  return url.origin !== origin || path.startsWith('//') ? null : path
}

/** `location.href` begins with exactly this origin; any other spelling of it stays as it is. */
function withoutOrigin(text: string, origin: string): string {
  if (!text.startsWith(origin)) return text
  const rest = text.slice(origin.length)
  if (rest.startsWith('/')) return rest
  // What follows an origin otherwise, such as "@evil.example" or ".evil.example", changes the host.
  return /^(?:[?#]|$)/.test(rest) ? `/${rest}` : text
}

function fits(path: string): boolean {
  return path.length <= MAX_LENGTH && Buffer.byteLength(compact(path)) <= MAX_STORED
}

/**
 * A percent-encoded path with its letters beyond ASCII themselves, which take a third of the bytes.
 * {@link percentEncoded} is the way back.
 */
export function compact(path: string): string {
  return path.replace(ENCODED_BYTES, decoded)
}

/** A path from {@link compact}, percent-encoded as it was. */
export function percentEncoded(path: string): string {
  return path.replace(BEYOND_ASCII, encodeURIComponent)
}

/** Bytes that are not UTF-8, or that are a control character, stay encoded. */
function decoded(bytes: string): string {
  try {
    const text = decodeURIComponent(bytes)
    return NEVER_IN_A_PATH.test(text) ? bytes : text
  } catch {
    return bytes
  }
}

/** Adds `returnTo` to a path that starts a login. */
export function withReturnTo(path: string, returnTo: string | null): string {
  return returnTo === null ? path : `${path}?returnTo=${encodeURIComponent(compact(returnTo))}`
}
