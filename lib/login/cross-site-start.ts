import type { FastifyReply, FastifyRequest } from 'fastify'
import { Authentication } from '../access/authentication.ts'
import type { CurrentAuthentication } from '../access/current-authentication.ts'
import type { LogoutMark } from '../access/logout-mark.ts'
import { isFromAnotherSite, isSurelyNoPage } from '../http/navigation.ts'
import { withReturnTo } from '../http/return-path.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import { sendLoggedOutPage } from './logged-out-page.ts'

interface CrossSiteParts {
  current: CurrentAuthentication
  mark: LogoutMark
}

/**
 * A GET /login that another site has started. LivePerson's single sign-on may finish a login
 * without the user, so such a login replaces no other, and undoes no logout.
 */
export class CrossSiteStart {
  readonly #with: CrossSiteParts
  readonly #paths: AppPaths

  constructor(parts: CrossSiteParts, paths: AppPaths) {
    this.#with = parts
    this.#paths = paths
  }

  /** @returns the response; `null` if the login may begin */
  respond(
    request: FastifyRequest,
    reply: FastifyReply,
    returnPath: string | null
  ): FastifyReply | null {
    if (!isFromAnotherSite(request) || isSurelyNoPage(request)) return null
    const { afterLogin, login } = this.#paths
    const authentication = this.#with.current.of(request)
    if (authentication !== null && !Authentication.isOver(authentication)) {
      return reply.redirect(returnPath ?? afterLogin, 303)
    }
    if (!this.#with.mark.isOn(request)) return null
    return sendLoggedOutPage(reply, withReturnTo(login, returnPath))
  }
}
