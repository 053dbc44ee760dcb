import type { SerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Documented: carries Sentinel's own authorization state while the login page is open. */
const PENDING = 'ibs_id'

/** The emulator's own name. It ends in the account, because a browser may use several accounts. */
const SSO = 'sentinel_session_'

// Cookies ignore ports. The path keeps them from an app on the same host.
// Not Secure, because the emulator speaks plain http.
const ATTRIBUTES = { path: '/sentinel', httpOnly: true, sameSite: 'lax' } as const

/** The browser's `ibs_id`, or an empty string. */
export function browserIdOf(request: FastifyRequest): string {
  return cookiesOf(request)[PENDING] ?? ''
}

/**
 * Sets the browser's `ibs_id`.
 * @param lifetime in ms
 */
export function setBrowserId(reply: FastifyReply, browserId: string, lifetime: number): void {
  setCookie(reply, PENDING, browserId, { ...ATTRIBUTES, maxAge: Math.floor(lifetime / 1000) })
}

/** The id of the browser's single sign-on session for an account, or an empty string. */
export function ssoIdOf(request: FastifyRequest, accountId: string): string {
  return cookiesOf(request)[SSO + accountId] ?? ''
}

/** Sets the browser's single sign-on session for an account, until the browser closes. */
export function setSsoId(reply: FastifyReply, accountId: string, ssoId: string): void {
  setCookie(reply, SSO + accountId, ssoId, ATTRIBUTES)
}

// Not reply.setCookie and request.cookies: the host app may have turned off the hook of
// @fastify/cookie.
function setCookie(
  reply: FastifyReply,
  name: string,
  value: string,
  attributes: SerializeOptions
): void {
  reply.header('set-cookie', reply.server.serializeCookie(name, value, attributes))
}

function cookiesOf(request: FastifyRequest): Record<string, string | undefined> {
  return request.server.parseCookie(request.headers.cookie ?? '')
}
