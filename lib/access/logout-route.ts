import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { leAuthError } from '../errors.ts'
import { acceptsHtml, isPageNavigation } from '../http/navigation.ts'
import { loginRouteHeaders } from '../http/route-headers.ts'
import { hasResponded, watchResponse } from '../http/watch-response.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import { Authentication } from './authentication.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import { acceptAnyBody, isRevocationRequested } from './logout-body.ts'
import { sendLogoutPage } from './logout-page.ts'
import type { Logout } from './logout.ts'
import { ownRoute } from './own-routes.ts'

interface LogoutRoute {
  accountId: string
  paths: AppPaths
  current: CurrentAuthentication
  logout: Logout
}

/** POST /logout and GET /logout, in a scope of its own so that the app keeps its body parsers. */
export async function logoutRoute(scope: FastifyInstance, route: LogoutRoute): Promise<void> {
  const { localRoutes, routes } = route.paths
  const options = { onSend: loginRouteHeaders, config: ownRoute }
  const steps = new LogoutSteps(route)
  acceptAnyBody(scope)
  scope.post(localRoutes.logout, { ...options, onRequest: steps.refuseOtherSites }, steps.logOut)
  // The app may have a page of its own there.
  if (scope.hasRoute({ method: 'GET', url: routes.logout })) return
  scope.get(localRoutes.logout, options, steps.ask)
}

class LogoutSteps {
  readonly #with: LogoutRoute

  constructor(route: LogoutRoute) {
    this.#with = route
  }

  /** A logout by GET would be one that any image on any site can cause. */
  readonly ask = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    reply.code(405).header('allow', 'POST')
    return isPageNavigation(request) ? sendLogoutPage(reply, 405, this.#with.paths) : reply.send()
  }

  readonly refuseOtherSites = async (request: FastifyRequest): Promise<void> => {
    if (isFromThisApp(request, this.#with.paths.origin)) return
    throw leAuthError('LE_AUTH_LOGOUT_CROSS_SITE')
  }

  readonly logOut = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { accountId, current, logout, paths } = this.#with
    watchResponse(reply)
    const revoke = isRevocationRequested(request)
    const authentication = current.of(request)
    if (authentication === null || Authentication.isOver(authentication)) {
      await logout.clear(request, reply, accountId, revoke)
    } else {
      await authentication.logout({ revoke })
    }
    if (hasResponded(reply)) return reply
    // A script has no use for a redirect: it would fetch that page for nothing.
    if (!acceptsHtml(request.headers)) return reply.code(204).send()
    return reply.redirect(paths.afterLogout, 303)
  }
}

/**
 * A form of another site cannot forge these headers (Fetch Metadata; Origin, RFC 6454 §7). A
 * request without either does not come from a current browser.
 */
export function isFromThisApp({ headers }: FastifyRequest, origin: string): boolean {
  const site = headers['sec-fetch-site']
  if (site === undefined) return headers.origin === origin
  // A service worker that adds a header to the form of another site sends it as the app's own, with
  // all cookies. Only the mode tells it from a form (`navigate`) or a script (`cors`, `no-cors`).
  if (headers['sec-fetch-mode'] === 'same-origin') return false
  return site === 'same-origin' || site === 'none'
}
