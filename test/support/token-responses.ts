import type { Fault } from '../../lib/emulator/index.ts'
import { idToken } from './id-tokens.ts'

/** Stands for a token, or for what a server should not have said; it must never be seen again. */
export const MARKER = 'marker-of-the-token-response'

/** A whole response of the token endpoint, as text. */
export const GOOD_RESPONSE = JSON.stringify({
  access_token: MARKER,
  token_type: 'Bearer',
  refresh_token: MARKER,
  expires_in: 3600,
  id_token: idToken()
})

/** The genuine response with some members changed; `undefined` omits one. */
export function members(changes: Record<string, unknown>): Fault {
  return { change: body => ({ ...body, ...changes }) }
}

/** The genuine response with one member written as raw JSON, such as JavaScript would not print. */
export function rawMember(name: string, json: string): Fault {
  const change = ({ [name]: _dropped, ...body }: Record<string, unknown>): string =>
    JSON.stringify(body).replace(/\}$/, `,"${name}":${json}}`)
  return { change }
}

/** Another response in place of the genuine one. */
export function replaced(
  status: number,
  body: string | Buffer = '',
  headers: Record<string, string> = {}
): Fault {
  return { status, body, headers }
}
