import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CookieSerializeOptions } from '@fastify/cookie'
import { ownAttributes } from '../session/cookie-attributes.js'
import type { ResolvedOptions } from '../options/options.js'

/** 256 bits in base64url: what a login's id looks like. */
const ID = /^[\w-]{43}$/

/** The cookie of a login: set by /callback, cleared by a logout, and touched by nobody else. */
export class LoginCookie {
  readonly #name: string
  readonly #attributes: CookieSerializeOptions
  readonly #maxAge: number

  constructor ({ cookieName, cookie, absoluteLifetime }: ResolvedOptions['session']) {
    this.#name = cookieName
    this.#attributes = { ...ownAttributes(cookie), signed: false }
    this.#maxAge = Math.ceil(absoluteLifetime / 1000)
  }

  /** The id that the browser has sent, if it can be one. */
  idOf ({ cookies }: FastifyRequest): string | null {
    // Without a Cookie header they are a plain object, and a property that it inherits is no cookie.
    if (!Object.hasOwn(cookies, this.#name)) return null
    const id = cookies[this.#name]!
    return ID.test(id) ? id : null
  }

  set (reply: FastifyReply, id: string): void {
    reply.setCookie(this.#name, id, { ...this.#attributes, maxAge: this.#maxAge })
  }

  clear (reply: FastifyReply): void {
    reply.clearCookie(this.#name, this.#attributes)
  }
}
