import type { Session } from 'fastify'
import { leAuthError } from '../errors.ts'

/**
 * Copies what survives a login, so that a login that fails changes nothing in the session before
 * it.
 *
 * @throws LE_AUTH_SETUP_INVALID
 */
export function copyForLogin(session: Session, keys: string[]): Record<string, unknown> {
  const present = keys.filter(key => Object.hasOwn(session, key))
  return Object.fromEntries(present.map(key => [key, copyOf(session, key)]))
}

function copyOf(session: Session, key: string): unknown {
  try {
    const value = (session as unknown as Record<string, unknown>)[key]
    const copy = structuredClone(value)
    // A class with private fields loses them without an error.
    if (JSON.stringify(copy) === JSON.stringify(value)) return copy
  } catch (cause) {
    throw notCopied(key, cause)
  }
  throw notCopied(key)
}

function notCopied(key: string, cause?: unknown): Error {
  const hint =
    `session.keep names ${JSON.stringify(key)}, but what the session holds there cannot be ` +
    'copied into the session of the login, for example because it has a function or a class ' +
    'with private fields in it. Keep only what JSON can hold.'
  return leAuthError('LE_AUTH_SETUP_INVALID', { reason: 'session_keep', hint, cause })
}
