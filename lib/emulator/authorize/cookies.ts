import type { SerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Documented: it carries Sentinel's own authorization state while the user is on the login page. */
const PENDING = 'ibs_id'

/** The emulator's own name; the account is part of it, since a browser may be signed in to several. */
const SSO = 'sentinel_session_'

// Cookies ignore ports: the path keeps them from an app on the same host. Not Secure: the emulator speaks plain http.
const ATTRIBUTES = { path: '/sentinel', httpOnly: true, sameSite: 'lax' } as const

/** The browser's `ibs_id`, if it has one. */
export function browserIdOf (request: FastifyRequest): string {
  return cookiesOf(request)[PENDING] ?? ''
}

/** Sets the browser's `ibs_id` for a lifetime in milliseconds. */
export function setBrowserId (reply: FastifyReply, browserId: string, lifetime: number): void {
  setCookie(reply, PENDING, browserId, { ...ATTRIBUTES, maxAge: Math.floor(lifetime / 1000) })
}

/** The browser's single sign-on session of an account, if it has one. */
export function ssoIdOf (request: FastifyRequest, accountId: string): string {
  return cookiesOf(request)[SSO + accountId] ?? ''
}

/** Sets the browser's single sign-on session of an account, until the browser closes. */
export function setSsoId (reply: FastifyReply, accountId: string, ssoId: string): void {
  setCookie(reply, SSO + accountId, ssoId, ATTRIBUTES)
}

// The plugin's functions, not its request.cookies: the host app may have turned its hook off.
function setCookie (reply: FastifyReply, name: string, value: string, attributes: SerializeOptions): void {
  reply.header('set-cookie', reply.server.serializeCookie(name, value, attributes))
}

function cookiesOf (request: FastifyRequest): Record<string, string | undefined> {
  return request.server.parseCookie(request.headers.cookie ?? '')
}
