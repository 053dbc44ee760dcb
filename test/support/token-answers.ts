import type { Fault } from '../../lib/emulator/index.js'
import { idToken } from './id-tokens.js'

/** Stands where a token would, or where a server says too much; it must never be seen again. */
export const MARKER = 'marker-of-the-token-answer'

/** A whole answer of the token endpoint. */
export const GOOD_ANSWER = JSON.stringify({ access_token: MARKER, token_type: 'Bearer', refresh_token: MARKER, expires_in: 3600, id_token: idToken() })

/** The genuine answer with some members changed; `undefined` leaves one out. */
export function members (changes: Record<string, unknown>): Fault {
  return { change: answer => ({ ...answer, ...changes }) }
}

/** The genuine answer with one member written as raw JSON, for what JavaScript would not print. */
export function rawMember (name: string, json: string): Fault {
  return { change: ({ [name]: _dropped, ...answer }) => JSON.stringify(answer).replace(/\}$/, `,"${name}":${json}}`) }
}

/** Another answer altogether. */
export function replaced (status: number, body: string | Buffer = '', headers: Record<string, string> = {}): Fault {
  return { status, body, headers }
}
