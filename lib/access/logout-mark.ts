import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ResolvedCookie } from '../options/resolved-options.ts'
import { ownAttributes } from '../session/cookie-attributes.ts'

/**
 * As long as LivePerson's own session. After that, its single sign-on logs nobody in without a
 * password. In s.
 */
const MAX_AGE = 8 * 60 * 60

/**
 * Marks a browser in which the user has logged out, so that no other site can start a login that
 * LivePerson's single sign-on would finish at once. It contains nothing, and gives no right.
 */
export class LogoutMark {
  readonly #name: string
  readonly #attributes: CookieSerializeOptions

  constructor({ name, attributes }: ResolvedCookie) {
    this.#name = `${name}.logged-out`
    this.#attributes = { ...ownAttributes(attributes), signed: false }
  }

  isOn({ cookies }: FastifyRequest): boolean {
    return Object.hasOwn(cookies, this.#name)
  }

  set(reply: FastifyReply): void {
    reply.setCookie(this.#name, '1', { ...this.#attributes, maxAge: MAX_AGE })
  }

  /** Clears the mark, if the browser has it. */
  clear(request: FastifyRequest, reply: FastifyReply): void {
    if (this.isOn(request)) reply.clearCookie(this.#name, this.#attributes)
  }
}
