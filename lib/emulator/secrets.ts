import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * A new random value in hexadecimal, like LivePerson's tokens.
 * @param bytes 32 bytes give the 64 characters of an access token
 */
export function newSecret(bytes = 32): string {
  return randomBytes(bytes).toString('hex')
}

/** Compares two secrets in constant time. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}

/** The S256 code challenge of a PKCE verifier (RFC 7636 §4.2). */
export function codeChallengeOf(verifier: string): string {
  return sha256(verifier).toString('base64url')
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
