import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { leAuthError } from '../errors.ts'
import { compact, percentEncoded } from '../http/return-path.ts'
import { trustedOrigin } from '../liveperson/trusted-host.ts'
import type { LivePersonHosts, ResolvedCookie } from '../options/resolved-options.ts'
import type { AuthorizationSecrets } from '../sentinel/authorization-url.ts'
import { ownAttributes } from '../session/cookie-attributes.ts'
import { randomText } from '../store/random.ts'
import type { Sealer } from '../store/seal.ts'
import { droppedTransactions } from './dropped-transactions.ts'

/** Sentinel's login page lives for ten minutes. The rest is for the way there and back. In ms. */
const LIFETIME = 15 * 60 * 1000
/** The cookie outlives the transaction, so that a late user is told "expired". In s. */
const COOKIE_MAX_AGE = 60 * 60

/** Whether a text has the form of a state: 256 random bits in base64url. */
export function isState(text: string): boolean {
  return /^[\w-]{43}$/.test(text)
}

/** One attempt to log in, from /login to /callback. */
export interface LoginTransaction {
  /** PKCE verifier; left out if PKCE is off. */
  codeVerifier?: string
  returnPath: string
  accountId: string
  /** Where Sentinel was when the login started. The code goes back only there (RFC 9700 §4.4.2). */
  sentinelOrigin: string
  /** In ms since 1970. */
  startedAt: number
}

interface TransactionSettings {
  accountId: string
  clientId: string
  redirectUri: string
  cookie: ResolvedCookie
  pkce: boolean
  hosts: LivePersonHosts
  now: () => number
}

/**
 * Login transactions, each in a sealed cookie of its own that is named after its state. Nothing is
 * kept on the server, tabs do not disturb each other, and any process with the same secret can
 * finish the login.
 */
export class LoginTransactions {
  readonly #sealer: Sealer
  readonly #settings: TransactionSettings
  readonly #purpose: string
  readonly #cookiePrefix: string
  readonly #attributes: CookieSerializeOptions

  constructor(sealer: Sealer, settings: TransactionSettings) {
    const { accountId, clientId, redirectUri, cookie } = settings
    this.#sealer = sealer
    this.#settings = settings
    // Another registration of the plugin may share the secret, but not its transactions.
    this.#purpose = `login transaction in ${accountId} for ${clientId} at ${redirectUri}`
    this.#cookiePrefix = `${cookie.name}.login.`
    this.#attributes = { ...ownAttributes(cookie.attributes), signed: false }
  }

  /**
   * Gives the browser a new transaction, and clears the cookies of the oldest ones if there are too
   * many.
   */
  begin(
    request: FastifyRequest,
    reply: FastifyReply,
    start: Omit<LoginTransaction, 'codeVerifier'>
  ): AuthorizationSecrets {
    const state = randomText()
    // As long as RFC 7636 §4.1 recommends.
    const verifier = this.#settings.pkce && { codeVerifier: randomText() }
    const name = this.#cookiePrefix + state
    const returnPath = compact(start.returnPath)
    const value = this.#sealer.seal(this.#purpose, state, { ...start, returnPath, ...verifier })
    const pending = this.#pendingCookies(request).map(name => ({
      name,
      size: name.length + String(request.cookies[name]).length
    }))
    for (const dropped of droppedTransactions(pending, name.length + value.length)) {
      reply.clearCookie(dropped, this.#attributes)
    }
    reply.setCookie(name, value, { ...this.#attributes, maxAge: COOKIE_MAX_AGE })
    return { state, ...verifier }
  }

  /** The transaction of this state and this browser; `null` if the browser has none. */
  open(request: FastifyRequest, state: string): LoginTransaction | null {
    const name = this.#cookiePrefix + state
    const sealed = Object.hasOwn(request.cookies, name) ? request.cookies[name]! : ''
    const opened = this.#sealer.open(this.#purpose, state, sealed) as LoginTransaction | null
    return opened && { ...opened, returnPath: percentEncoded(opened.returnPath) }
  }

  /**
   * Checks that a transaction may be finished.
   *
   * @param opened what {@link open} has returned
   * @throws LE_AUTH_CALLBACK_INVALID
   * @throws LE_AUTH_HOST_NOT_TRUSTED if its Sentinel is not trusted any more
   */
  validate(request: FastifyRequest, opened: LoginTransaction | null): LoginTransaction {
    if (opened === null) {
      const hasOthers = this.#pendingCookies(request).length > 0
      const reason = hasOthers ? 'state_mismatch' : 'no_transaction'
      throw leAuthError('LE_AUTH_CALLBACK_INVALID', { reason })
    }
    // It may be older than the settings. The client secret goes to hosts that are trusted now.
    if (!this.#isTrusted(opened.sentinelOrigin)) throw leAuthError('LE_AUTH_HOST_NOT_TRUSTED')
    if (this.#settings.now() - opened.startedAt > LIFETIME) {
      throw leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'expired' })
    }
    return opened
  }

  /** Clears the cookie of a transaction. */
  end(reply: FastifyReply, state: string): void {
    reply.clearCookie(this.#cookiePrefix + state, this.#attributes)
  }

  #pendingCookies({ cookies }: FastifyRequest): string[] {
    const prefix = this.#cookiePrefix
    return Object.keys(cookies).filter(
      name => name.startsWith(prefix) && isState(name.slice(prefix.length))
    )
  }

  #isTrusted(origin: string): boolean {
    const { sentinelOrigin, trust } = this.#settings.hosts
    if (origin === sentinelOrigin) return true
    return URL.canParse(origin) && trustedOrigin(new URL(origin).host, trust) === origin
  }
}
