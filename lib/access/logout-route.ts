import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { leAuthError } from '../errors.ts'
import { hasResponded, watchResponse } from '../http/watch-response.ts'
import { loginRouteHeaders } from '../http/route-headers.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import { Authentication } from './authentication.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import type { Logout } from './logout.ts'
import { ownRoute } from './own-routes.ts'

const FORM = 'application/x-www-form-urlencoded'
/** `revoke=true` is all that a body can say. In bytes. */
const BODY_LIMIT = 1024

interface LogoutRoute {
  accountId: string
  paths: AppPaths
  current: CurrentAuthentication
  logout: Logout
}

/** POST /logout, in a scope of its own so that the app's routes keep their body parsers. */
export async function logoutRoute(scope: FastifyInstance, route: LogoutRoute): Promise<void> {
  const { accountId, paths, current, logout } = route
  if (!scope.hasContentTypeParser(FORM)) await scope.register(formbody, { bodyLimit: BODY_LIMIT })
  const options = { bodyLimit: BODY_LIMIT, onSend: loginRouteHeaders, config: ownRoute }
  scope.post(paths.localRoutes.logout, options, async (request, reply) => {
    if (!isSameOrigin(request, paths.origin)) throw leAuthError('LE_AUTH_LOGOUT_CROSS_SITE')
    watchResponse(reply)
    const revoke = isRevocationRequested(request)
    const authentication = current.of(request)
    if (authentication === null || Authentication.isOver(authentication)) {
      await logout.clear(request, reply, accountId, revoke)
    } else {
      await authentication.logout({ revoke })
    }
    if (!hasResponded(reply)) reply.redirect(paths.afterLogout, 303)
    return reply
  })
}

/**
 * A form of another site cannot forge these headers (Fetch Metadata; Origin, RFC 6454 §7). A
 * request without either does not come from a current browser.
 */
export function isSameOrigin({ headers }: FastifyRequest, origin: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return headers.origin === origin
}

function isRevocationRequested({ body }: FastifyRequest): boolean {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'revoke')) return false
  const { revoke } = body as { revoke: unknown }
  return revoke === true || revoke === 'true'
}
