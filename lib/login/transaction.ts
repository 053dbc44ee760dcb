import type { FastifyReply, FastifyRequest } from 'fastify'
import { generateRandomCodeVerifier, generateRandomState } from 'oauth4webapi'
import { leAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options.js'
import { createSealer } from '../tokens/seal.js'
import { ownAttributes } from '../session/cookie-attributes.js'
import { droppedTransactions } from './dropped-transactions.js'

/** The user may take ten minutes on Sentinel's login page, which is how long its own cookie lives; and some on the way. In ms. */
const TRANSACTION_LIFETIME = 15 * 60 * 1000
/** The cookie outlives the transaction, so that a late user is told "too late" and not "blocked cookies". In s. */
const COOKIE_MAX_AGE = 60 * 60

/** Whether a text has the form of a state: what generateRandomState makes, 256 bits in base64url. */
export function isState (text: string): boolean {
  return /^[\w-]{43}$/.test(text)
}

/** One attempt to log in, from /login to /callback. */
export interface LoginTransaction {
  /** PKCE verifier; left out where PKCE is off. */
  codeVerifier?: string
  returnPath: string
  accountId: string
  /** Where Sentinel was when the login began: the code goes back there and nowhere else (RFC 9700 §4.4.2). */
  sentinelOrigin: string
  /** In ms since 1970. */
  startedAt: number
}

/**
 * Login transactions, each in a sealed cookie of its own that is named after its state: nothing is kept on the
 * server, tabs do not disturb each other, and any instance with the same secret can finish the login.
 */
export interface LoginTransactions {
  /** A new state, and a code verifier where PKCE is on. */
  create: () => { state: string, codeVerifier?: string }
  /** Gives the browser the transaction of a state, and takes back those it will not finish. */
  begin: (request: FastifyRequest, reply: FastifyReply, state: string, transaction: LoginTransaction) => Promise<void>
  /**
   * The transaction of this state and this browser.
   *
   * @throws LE_AUTH_TRANSACTION_MISSING, LE_AUTH_STATE_MISMATCH
   */
  find: (request: FastifyRequest, state: string) => Promise<LoginTransaction>
  /** Whether a transaction took too long to be finished. */
  isExpired: (transaction: LoginTransaction) => boolean
  /** Takes the transaction of a state back from the browser. */
  end: (reply: FastifyReply, state: string) => void
}

export function createLoginTransactions (options: ResolvedOptions): LoginTransactions {
  // Another registration of this plugin may share the secret; its transactions must not open here.
  const sealer = createSealer(options.secrets, `login transaction in ${options.accountId} for ${options.clientId} at ${options.redirectUri}`)
  const cookiePrefix = `${options.session.cookieName}.login.`
  const cookieAttributes = { ...ownAttributes(options.session.cookie), signed: false }

  const pendingCookies = (request: FastifyRequest): string[] => Object.keys(request.cookies)
    .filter(name => name.startsWith(cookiePrefix) && isState(name.slice(cookiePrefix.length)))

  return {
    create: () => ({ state: generateRandomState(), ...(options.pkce && { codeVerifier: generateRandomCodeVerifier() }) }),

    async begin (request, reply, state, transaction) {
      const name = cookiePrefix + state
      const value = await sealer.seal(state, transaction)
      const pending = pendingCookies(request).map(name => ({ name, size: name.length + String(request.cookies[name]).length }))
      for (const dropped of droppedTransactions(pending, name.length + value.length)) reply.clearCookie(dropped, cookieAttributes)
      reply.setCookie(name, value, { ...cookieAttributes, maxAge: COOKIE_MAX_AGE })
    },

    async find (request, state) {
      const pending = pendingCookies(request)
      if (pending.length === 0) throw leAuthError('LE_AUTH_TRANSACTION_MISSING')
      const sealed = request.cookies[cookiePrefix + state]
      const transaction = sealed === undefined ? null : await sealer.open(state, sealed) as LoginTransaction | null
      if (transaction === null) throw leAuthError('LE_AUTH_STATE_MISMATCH')
      return transaction
    },

    isExpired: ({ startedAt }) => options.now() - startedAt > TRANSACTION_LIFETIME,

    end: (reply, state) => { reply.clearCookie(cookiePrefix + state, cookieAttributes) }
  }
}
