import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasResponded } from '../http/watch-response.ts'
import type { Login } from '../logins/login.ts'
import type { ResolvedCookie } from '../options/resolved-options.ts'
import { ownAttributes } from '../session/cookie-attributes.ts'
import type { Sealer } from '../store/seal.ts'

/** Enough to read a page and press its button. In ms. */
const LIFETIME = 10 * 60 * 1000
/** A browser drops a longer cookie. In bytes. */
const MAX_BYTES = 3500

/** A user whom `onLogin` has refused. */
export interface Refusal {
  accountId: string
  userId: string
  /** Whether the browser can end this user's session at LivePerson, by POST /login. */
  canSwitchUser: boolean
}

/** What the cookie of a refused user holds. */
interface RefusedUser {
  accountId: string
  userId: string
  refreshToken: string
  /** In ms since 1970. */
  expiresAt: number
}

interface RefusalSettings {
  accountId: string
  clientId: string
  redirectUri: string
  cookie: ResolvedCookie
  now: () => number
}

/**
 * The users whom `onLogin` has refused. LivePerson's single sign-on would log the same user in
 * again, so the browser keeps the refresh token for a short time, sealed in a cookie: to revoke it
 * is the only way to end the user's session there (docs/protocol.md §5).
 */
export class Refusals {
  readonly #sealer: Sealer
  readonly #purpose: string
  readonly #name: string
  readonly #attributes: CookieSerializeOptions
  readonly #now: () => number
  readonly #byRequest = new WeakMap<FastifyRequest, Refusal>()

  constructor(sealer: Sealer, settings: RefusalSettings) {
    const { accountId, clientId, redirectUri, cookie, now } = settings
    this.#sealer = sealer
    this.#purpose = `refused user in ${accountId} for ${clientId} at ${redirectUri}`
    this.#name = `${cookie.name}.refused`
    this.#attributes = { ...ownAttributes(cookie.attributes), signed: false }
    this.#now = now
  }

  /** Notes a refusal for the response to this request, and gives the browser the cookie. */
  note(
    request: FastifyRequest,
    reply: FastifyReply,
    { subject }: Login,
    refreshToken: string | undefined
  ): void {
    const canSwitchUser = refreshToken !== undefined && this.#keep(reply, subject, refreshToken)
    this.#byRequest.set(request, { ...subject, canSwitchUser })
  }

  /** The refusal that this request is about. */
  of(request: FastifyRequest): Refusal | undefined {
    return this.#byRequest.get(request)
  }

  /** The refused user of this browser; `null` if there is none, or it was too long ago. */
  find({ cookies }: FastifyRequest): RefusedUser | null {
    if (!Object.hasOwn(cookies, this.#name)) return null
    const refused = this.#sealer.open(this.#purpose, '', cookies[this.#name]!) as RefusedUser | null
    return refused !== null && this.#now() < refused.expiresAt ? refused : null
  }

  /** Clears the cookie, if the browser has one. */
  forget({ cookies }: FastifyRequest, reply: FastifyReply): void {
    if (Object.hasOwn(cookies, this.#name)) reply.clearCookie(this.#name, this.#attributes)
  }

  /** @returns whether the browser gets the cookie */
  #keep(reply: FastifyReply, subject: Login['subject'], refreshToken: string): boolean {
    const expiresAt = this.#now() + LIFETIME
    const value = this.#sealer.seal(this.#purpose, '', { ...subject, refreshToken, expiresAt })
    if (value.length > MAX_BYTES || hasResponded(reply)) return false
    reply.setCookie(this.#name, value, { ...this.#attributes, maxAge: LIFETIME / 1000 })
    return true
  }
}
