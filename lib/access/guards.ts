import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { leAuthError, type LeAuthError } from '../errors.ts'
import type { AnyReply, AnyRequest } from '../http/any-request.ts'
import { noteErrorHandler } from '../http/app-error-handlers.ts'
import { isPageNavigation } from '../http/navigation.ts'
import { requestedPath } from '../http/requested-path.ts'
import { withReturnTo } from '../http/return-path.ts'
import { whenSent } from '../http/when-sent.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import { Authentication } from './authentication.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import type { ErrorResponses } from './error-responses.ts'
import { GuardOutcome } from './guard-outcome.ts'
import { isOwnRoute } from './own-routes.ts'

/**
 * A hook that lets some requests through, as `onRequest` or `preHandler`. If you call the guard
 * yourself, await it: its promise settles when the request may go on, or when a response was sent.
 * It never settles if the client hangs up before that. If the app has an error handler for the
 * route, the guard throws its errors, except that it redirects a page to the login. A request that
 * was refused never gets to its handler, even if the error is caught.
 */
export type Guard = (
  request: AnyRequest,
  reply: AnyReply,
  done?: (error?: Error) => void
) => void | Promise<void>

type Done = Parameters<Guard>[2]
type PreHandlers = NonNullable<RouteOptions['preHandler']>

/**
 * The guards of one registration of the plugin. They never decrypt, never parse a JWT, and wait
 * only for a refresh of an expired token.
 */
export class Guards {
  readonly #current: CurrentAuthentication
  readonly #paths: AppPaths
  readonly #responses: ErrorResponses

  constructor(current: CurrentAuthentication, paths: AppPaths, responses: ErrorResponses) {
    this.#current = current
    this.#paths = paths
    this.#responses = responses
  }

  readonly requireAuth: Guard = (request, reply, done) => this.#guard(request, reply, done, false)

  readonly requireAdmin: Guard = (request, reply, done) => this.#guard(request, reply, done, true)

  /** Checks again that the login lives: the body may have arrived long after the guard has run. */
  readonly checkAgain = (
    request: FastifyRequest,
    reply: FastifyReply,
    done: () => void
  ): void | Promise<void> => {
    const verdict = this.#current.verdictOf(request)
    // It has a response already, even if another hook let it go on.
    if (verdict === 'refused') return
    // The guard has thrown this, and the app has caught it.
    if (verdict instanceof Error) throw verdict
    if (verdict === undefined || this.#alive(request) !== null || isOwnRoute(request)) return done()
    return this.#requireLogin(request, reply)
  }

  /** For each route: makes {@link checkAgain} the last hook before its handler. */
  readonly onRoute = (route: RouteOptions): void => {
    noteErrorHandler(route)
    const hooks = [route.preHandler ?? [], this.checkAgain as PreHandlers].flat()
    route.preHandler = hooks as PreHandlers
  }

  #guard(
    request: FastifyRequest,
    reply: FastifyReply,
    done: Done,
    adminOnly: boolean
  ): void | Promise<void> {
    const authentication = this.#alive(request)
    if (authentication === null) {
      if (isOwnRoute(request)) return done?.()
      return this.#outcome(this.#requireLogin(request, reply), done)
    }
    const mayPass = !adminOnly || authentication.user.isAdmin || isOwnRoute(request)
    if (!mayPass) {
      const error = leAuthError('LE_AUTH_ADMIN_REQUIRED')
      return this.#outcome(this.#responses.respond(error, request, reply), done)
    }
    this.#pass(request, reply)
    // The plugin's own routes use no access token.
    const refresh = isOwnRoute(request) ? null : Authentication.keepFresh(authentication)
    if (refresh === null) return done?.()
    return asPromise(new GuardOutcome(this.#afterRefresh(refresh, request, reply), done))
  }

  #outcome(refusal: Promise<void>, done: Done | undefined): Promise<void> {
    return asPromise(
      new GuardOutcome(
        refusal.then(() => false),
        done
      )
    )
  }

  /** The authentication of a request whose login is not over. */
  #alive(request: FastifyRequest): Authentication | null {
    const authentication = this.#current.of(request)
    return authentication === null || Authentication.isOver(authentication) ? null : authentication
  }

  #pass(request: FastifyRequest, reply: FastifyReply): void {
    this.#current.setVerdict(request, 'passed')
    // No cache may give one user's response to another user. The handler may set another value.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'private, no-store')
  }

  /** @returns whether the request may go on; if not, it has a response */
  async #afterRefresh(
    refresh: Promise<void>,
    request: FastifyRequest,
    reply: FastifyReply
  ): Promise<boolean> {
    try {
      await refresh
    } catch (error) {
      if ((error as LeAuthError).code !== 'LE_AUTH_LOGIN_REQUIRED') {
        await this.#responses.respond(error as LeAuthError, request, reply)
        return false
      }
    }
    if (this.#alive(request) !== null) return true
    await this.#requireLogin(request, reply)
    return false
  }

  /** Redirects a page to the login, and refuses anything else. */
  #requireLogin(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#current.set(request, null)
    const { login } = this.#paths
    if (!isPageNavigation(request)) {
      const error = leAuthError('LE_AUTH_LOGIN_REQUIRED', { loginUrl: login })
      return this.#responses.respond(error, request, reply)
    }
    this.#current.setVerdict(request, 'refused')
    reply.header('cache-control', 'no-store')
    const returnTo = requestedPath(request, this.#paths)
    return whenSent(reply.redirect(withReturnTo(login, returnTo), 302))
  }
}

/** Fastify and `await` take anything that has a `then`. */
function asPromise(outcome: PromiseLike<void>): Promise<void> {
  return outcome as Promise<void>
}
