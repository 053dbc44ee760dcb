import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifySessionObject } from '@fastify/session'
import type { ResolvedOptions } from '../options/options.js'

/**
 * The attributes of a cookie of this plugin's own, every one of them: what is left out, @fastify/cookie would take from
 * the `parseOptions` that the app has given it.
 */
export function ownAttributes (cookie: ResolvedOptions['session']['cookie']): CookieSerializeOptions {
  return { domain: undefined, partitioned: false, ...cookie, path: '/', httpOnly: true, expires: undefined, maxAge: undefined } as unknown as CookieSerializeOptions
}

/** The attributes of a session's cookie, without which a browser would not take it back. */
export function sameAttributes ({ path, domain, secure, sameSite, httpOnly, partitioned = false }: FastifySessionObject['cookie'] & { partitioned?: boolean }): CookieSerializeOptions {
  return { path, domain: domain ?? undefined, secure, sameSite: sameSite ?? undefined, httpOnly, partitioned, expires: undefined, maxAge: undefined } as unknown as CookieSerializeOptions
}
