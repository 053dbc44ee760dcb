import type { FastifyReply, FastifyRequest } from 'fastify'
import { leAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options/options.js'
import type { AuthorizationSecrets } from '../sentinel/authorization-url.js'
import { randomText } from '../store/random.js'
import type { Sealer } from '../store/seal.js'
import { trustedOrigin } from '../liveperson/trusted-host.js'
import { ownAttributes } from '../session/cookie-attributes.js'
import { droppedTransactions } from './dropped-transactions.js'

/** The user may take ten minutes on Sentinel's login page, which is how long its own cookie lives; and some on the way. In ms. */
const TRANSACTION_LIFETIME = 15 * 60 * 1000
/** The cookie outlives the transaction, so that a late user is told "too late" and not "blocked cookies". In s. */
const COOKIE_MAX_AGE = 60 * 60

/** Whether a text has the form of a state: 256 random bits in base64url. */
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
  /** Gives the browser a new transaction, and takes back those it will not finish. */
  begin: (request: FastifyRequest, reply: FastifyReply, beginning: Omit<LoginTransaction, 'codeVerifier'>) => AuthorizationSecrets
  /**
   * The transaction of this state and this browser.
   *
   * @throws LE_AUTH_TRANSACTION_MISSING, LE_AUTH_STATE_MISMATCH, LE_AUTH_HOST_NOT_TRUSTED if its Sentinel is not trusted any more
   */
  find: (request: FastifyRequest, state: string) => LoginTransaction
  /** Whether a transaction took too long to be finished. */
  isExpired: (transaction: LoginTransaction) => boolean
  /** Takes the transaction of a state back from the browser. */
  end: (reply: FastifyReply, state: string) => void
}

export function createLoginTransactions (options: ResolvedOptions, sealer: Sealer): LoginTransactions {
  // Another registration of this plugin may share the secret; its transactions must not open here.
  const purpose = `login transaction in ${options.accountId} for ${options.clientId} at ${options.redirectUri}`
  const cookiePrefix = `${options.session.cookieName}.login.`
  const cookieAttributes = { ...ownAttributes(options.session.cookie), signed: false }

  const pendingCookies = (request: FastifyRequest): string[] => Object.keys(request.cookies)
    .filter(name => name.startsWith(cookiePrefix) && isState(name.slice(cookiePrefix.length)))

  return {
    begin (request, reply, beginning) {
      const state = randomText()
      // As long as RFC 7636 §4.1 recommends.
      const verifier = options.pkce && { codeVerifier: randomText() }
      const name = cookiePrefix + state
      const value = sealer.seal(purpose, state, { ...beginning, ...verifier })
      const pending = pendingCookies(request).map(name => ({ name, size: name.length + String(request.cookies[name]).length }))
      for (const dropped of droppedTransactions(pending, name.length + value.length)) reply.clearCookie(dropped, cookieAttributes)
      reply.setCookie(name, value, { ...cookieAttributes, maxAge: COOKIE_MAX_AGE })
      return { state, ...verifier }
    },

    find (request, state) {
      const pending = pendingCookies(request)
      if (pending.length === 0) throw leAuthError('LE_AUTH_TRANSACTION_MISSING')
      const sealed = request.cookies[cookiePrefix + state]
      const transaction = sealed === undefined ? null : sealer.open(purpose, state, sealed) as LoginTransaction | null
      if (transaction === null) throw leAuthError('LE_AUTH_STATE_MISMATCH')
      // An old secret, or old settings, may have sealed it: the client secret goes to hosts that are trusted now.
      if (!isTrusted(transaction.sentinelOrigin, options)) throw leAuthError('LE_AUTH_HOST_NOT_TRUSTED')
      return transaction
    },

    isExpired: ({ startedAt }) => options.clock.now() - startedAt > TRANSACTION_LIFETIME,

    end: (reply, state) => { reply.clearCookie(cookiePrefix + state, cookieAttributes) }
  }
}

function isTrusted (origin: string, { sentinelOrigin, trust }: ResolvedOptions): boolean {
  return origin === sentinelOrigin || (URL.canParse(origin) && trustedOrigin(new URL(origin).host, trust) === origin)
}
