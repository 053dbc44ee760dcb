import type { CookieSerializeOptions } from '@fastify/cookie'
import type { ResolvedOptions } from '../options.js'

/**
 * The attributes of a cookie of this plugin's own, every one of them: what is left out, @fastify/cookie would take from
 * the `parseOptions` that the app has given it.
 */
export function ownAttributes (cookie: ResolvedOptions['session']['cookie']): CookieSerializeOptions {
  return { domain: undefined, partitioned: false, ...cookie, path: '/', httpOnly: true, expires: undefined, maxAge: undefined } as unknown as CookieSerializeOptions
}
