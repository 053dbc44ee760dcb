import type { FastifyReply, FastifyRequest } from 'fastify'
import { leAuthError } from '../errors.ts'
import { isSurelyNoPage } from '../http/navigation.ts'
import { returnPath } from '../http/return-path.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import type { AuthorizationRequests } from '../sentinel/authorization-url.ts'
import type { SentinelService } from '../sentinel/service.ts'
import type { CrossSiteStart } from './cross-site-start.ts'
import { sendFormPost } from './form-post.ts'
import { insecureRequest } from './insecure-request.ts'
import type { LoginFailures } from './login-failures.ts'
import { loginOnRedirectHost } from './loopback-host.ts'
import type { LoginTransactions } from './transaction.ts'

interface LoginStartParts {
  sentinel: SentinelService
  authorizationRequests: AuthorizationRequests
  transactions: LoginTransactions
  failures: LoginFailures
  crossSite: CrossSiteStart
}

interface LoginStartSettings {
  accountId: string
  paths: AppPaths
  method: 'GET' | 'POST'
  trustedDomains: string[]
  now: () => number
}

/** GET /login: starts a login transaction and sends the browser to Sentinel. */
export class LoginStart {
  readonly #with: LoginStartParts
  readonly #settings: LoginStartSettings
  readonly #ownRoutes: string[]

  constructor(parts: LoginStartParts, settings: LoginStartSettings) {
    const { routes, publicPrefix } = settings.paths
    this.#with = parts
    this.#settings = settings
    this.#ownRoutes = Object.values(routes).map(route => routeOf(publicPrefix + route))
  }

  /** Of the query, only `returnTo` has a meaning for the login. */
  readonly handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { method, paths, trustedDomains } = this.#settings
    const { returnTo: dangerousReturnTo } = request.query as { returnTo?: unknown }
    const sanitizedReturnTo = this.#sanitized(dangerousReturnTo)
    const elsewhere = loginOnRedirectHost(request, paths, sanitizedReturnTo)
    if (elsewhere !== null) return reply.redirect(elsewhere, 302)
    const response = this.#with.crossSite.respond(request, reply, sanitizedReturnTo)
    if (response !== null) return response
    try {
      const url = await this.#begin(request, reply, sanitizedReturnTo ?? paths.afterLogin)
      if (method === 'POST') return sendFormPost(reply, url, paths.origin, trustedDomains)
      return reply.redirect(url, 302)
    } catch (error) {
      return await this.#with.failures.respond(request, reply, error, sanitizedReturnTo)
    }
  }

  /** @returns where to send the browser */
  async #begin(request: FastifyRequest, reply: FastifyReply, returnPath: string): Promise<string> {
    const { sentinel, authorizationRequests, transactions } = this.#with
    const { accountId, now, paths } = this.#settings
    if (isSurelyNoPage(request)) throw leAuthError('LE_AUTH_LOGIN_NOT_A_PAGE')
    // The browser would log in, keep no Secure cookie, and start again, for ever.
    const isSecure = paths.origin.startsWith('https:')
    if (isSecure && request.protocol !== 'https') throw insecureRequest(request)
    const sentinelOrigin = await sentinel.originOf(accountId)
    const transaction = { returnPath, accountId, sentinelOrigin, startedAt: now() }
    const secrets = transactions.begin(request, reply, transaction)
    return authorizationRequests.url(sentinel.at(sentinelOrigin, accountId), secrets)
  }

  /** A login that led to /login would start again at once. */
  #sanitized(untrustedReturnTo: unknown): string | null {
    const path = returnPath(untrustedReturnTo, this.#settings.paths.origin)
    return path !== null && this.#ownRoutes.includes(routeOf(path)) ? null : path
  }
}

/**
 * The route of a path, as the loosest router compares: decoded, in any case, with any last slash.
 */
function routeOf(path: string): string {
  const [pathname = ''] = path.split(/[?#]/, 1)
  return decoded(pathname).toLowerCase().replace(/\/+$/, '')
}

function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return pathname
  }
}
