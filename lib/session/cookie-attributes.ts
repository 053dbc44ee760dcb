import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifySessionObject } from '@fastify/session'
import type { CookieAttributes } from '../options/resolved-options.ts'

/**
 * All attributes of a cookie of the plugin's own. None is left out, because @fastify/cookie would
 * take it from the app's `parseOptions`.
 */
export function ownAttributes(attributes: CookieAttributes): CookieSerializeOptions {
  return {
    domain: undefined,
    partitioned: false,
    ...attributes,
    path: '/',
    httpOnly: true,
    expires: undefined,
    maxAge: undefined
  } as unknown as CookieSerializeOptions
}

type SessionCookie = FastifySessionObject['cookie'] & { partitioned?: boolean }

/** The attributes of a session's cookie. With others, a browser would not clear it. */
export function attributesOf({
  path,
  domain,
  secure,
  sameSite,
  httpOnly,
  partitioned = false
}: SessionCookie): CookieSerializeOptions {
  return {
    path,
    domain: domain ?? undefined,
    secure,
    sameSite: sameSite ?? undefined,
    httpOnly,
    partitioned,
    expires: undefined,
    maxAge: undefined
  } as unknown as CookieSerializeOptions
}
