import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ResolvedCookie } from '../options/resolved-options.ts'
import { ownAttributes } from '../session/cookie-attributes.ts'

/** A login's id: 256 bits in base64url. */
const ID = /^[\w-]{43}$/

/** The cookie of a login: set by /callback, and cleared by a logout. */
export class LoginCookie {
  readonly #name: string
  readonly #attributes: CookieSerializeOptions
  readonly #maxAge: number

  /** @param lifetime how long a login lives at most, in ms */
  constructor({ name, attributes }: ResolvedCookie, lifetime: number) {
    this.#name = name
    this.#attributes = { ...ownAttributes(attributes), signed: false }
    this.#maxAge = Math.ceil(lifetime / 1000)
  }

  /** The id that the browser sent; `null` if it sent none, or one that cannot be an id. */
  idOf({ cookies }: FastifyRequest): string | null {
    // Without a Cookie header this is a plain object, and an inherited property is not a cookie.
    if (!Object.hasOwn(cookies, this.#name)) return null
    const id = cookies[this.#name]!
    return ID.test(id) ? id : null
  }

  set(reply: FastifyReply, id: string): void {
    reply.setCookie(this.#name, id, { ...this.#attributes, maxAge: this.#maxAge })
  }

  clear(reply: FastifyReply): void {
    reply.clearCookie(this.#name, this.#attributes)
  }
}
