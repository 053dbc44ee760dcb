import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isFromThisApp } from '../access/logout-route.ts'
import { ownRoute } from '../access/own-routes.ts'
import { leAuthError } from '../errors.ts'
import { returnPath, withReturnTo } from '../http/return-path.ts'
import { loginRouteHeaders } from '../http/route-headers.ts'
import { logFailedRevocation, type LoginEnds } from '../logins/ends.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import { sendNotSwitchedPage, sendOnToLogin } from './refusal-page.ts'
import type { Refusals } from './refusals.ts'

/** Nothing is read from the body. In bytes. */
const BODY_LIMIT = 1024

interface UserSwitchParts {
  refusals: Refusals
  ends: LoginEnds
}

/**
 * POST /login: ends the session of a refused user at LivePerson, and starts a login for somebody
 * else.
 */
export class UserSwitch {
  readonly #with: UserSwitchParts
  readonly #paths: AppPaths

  constructor(parts: UserSwitchParts, paths: AppPaths) {
    this.#with = parts
    this.#paths = paths
  }

  /** Adds the route, in a scope of its own so that the app's routes keep their body parsers. */
  readonly addRoute = async (scope: FastifyInstance): Promise<void> => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null))
    const options = { bodyLimit: BODY_LIMIT, onSend: loginRouteHeaders, config: ownRoute }
    scope.post(this.#paths.localRoutes.login, options, this.#handle)
  }

  readonly #handle = async (
    request: FastifyRequest,
    reply: FastifyReply
  ): Promise<FastifyReply> => {
    const { ends, refusals } = this.#with
    const { login, origin } = this.#paths
    if (!isFromThisApp(request, origin)) throw leAuthError('LE_AUTH_LOGOUT_CROSS_SITE')
    const { returnTo: untrustedReturnTo } = request.query as { returnTo?: unknown }
    const loginPath = withReturnTo(login, returnPath(untrustedReturnTo, origin))
    const refused = refusals.find(request)
    if (refused === null) return sendOnToLogin(reply, loginPath)
    const { accountId, userId, refreshToken } = refused
    const { revocationError } = await ends.revokeToken(accountId, refreshToken)
    if (revocationError !== undefined) {
      logFailedRevocation(request.log, revocationError, { accountId, userId })
      return sendNotSwitchedPage(reply, revocationError, loginPath)
    }
    refusals.forget(request, reply)
    return sendOnToLogin(reply, loginPath)
  }
}
