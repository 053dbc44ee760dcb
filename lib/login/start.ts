import type { FastifyReply, FastifyRequest } from 'fastify'
import { isSurelyNoPage } from '../http/navigation.js'
import { leAuthError } from '../errors.js'
import type { DomainApi } from '../liveperson/domain-api.js'
import type { ResolvedOptions } from '../options/options.js'
import { returnPath } from '../http/return-path.js'
import { createAuthorizationUrl } from '../sentinel/authorization-url.js'
import { sentinelEndpoints } from '../sentinel/endpoints.js'
import { answerFailure } from './failure.js'
import { sendFormPost } from './form-post.js'
import type { LoginTransactions } from './transaction.js'

interface LoginStart {
  options: ResolvedOptions
  domainApi: DomainApi
  transactions: LoginTransactions
}

/** GET /login: begins a login transaction and sends the browser to Sentinel. Of the query, only `returnTo` is read. */
export function createLoginStart ({ options, domainApi, transactions }: LoginStart) {
  const { accountId, apiVersion } = options
  const authorizationUrl = createAuthorizationUrl(options)
  const ownRoutes = Object.values(options.routes).map(route => routeOf(options.publicPrefix + route))

  return async function start (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { returnTo: dangerousReturnTo } = request.query as { returnTo?: unknown }
    const sanitizedReturnTo = returnPathOf(dangerousReturnTo)
    try {
      const url = await begin(request, reply, sanitizedReturnTo ?? options.defaultReturnPath)
      return options.authorizationMethod === 'POST' ? sendFormPost(reply, url, options) : reply.redirect(url, 302)
    } catch (error) {
      return await answerFailure(options, request, reply, { error, returnPath: sanitizedReturnTo })
    }
  }

  async function begin (request: FastifyRequest, reply: FastifyReply, returnPath: string): Promise<string> {
    if (isSurelyNoPage(request)) throw leAuthError('LE_AUTH_LOGIN_NOT_A_PAGE')
    // Without this the browser would log in, keep no cookie, and begin again, for ever.
    if (options.session.cookie.secure && request.protocol !== 'https') throw leAuthError('LE_AUTH_INSECURE_REQUEST')
    const sentinelOrigin = await domainApi.originOf(accountId, 'sentinel')
    const secrets = transactions.begin(request, reply, { returnPath, accountId, sentinelOrigin, startedAt: options.clock.now() })
    return authorizationUrl(sentinelEndpoints(sentinelOrigin, accountId, apiVersion), secrets)
  }

  /** A login that ended at /login would begin again at once. */
  function returnPathOf (untrustedReturnTo: unknown): string | null {
    const path = returnPath(untrustedReturnTo, options.origin)
    return path !== null && ownRoutes.includes(routeOf(path)) ? null : path
  }
}

/** The route that a path leads to, as the loosest router compares: decoded, whatever the case, with or without a last slash. */
function routeOf (path: string): string {
  const [pathname = ''] = path.split(/[?#]/, 1)
  return decoded(pathname).toLowerCase().replace(/\/+$/, '')
}

function decoded (pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return pathname
  }
}
