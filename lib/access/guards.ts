import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { leAuthError, type LeAuthError } from '../errors.ts'
import type { AnyReply, AnyRequest } from '../http/any-request.ts'
import { isPageNavigation } from '../http/navigation.ts'
import { returnPath, withReturnTo } from '../http/return-path.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import { Authentication } from './authentication.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import { GuardOutcome } from './guard-outcome.ts'
import { isOwnRoute } from './own-routes.ts'

/**
 * A hook that lets some requests through, as `onRequest` or `preHandler`. If you call the guard
 * yourself, await it: its promise settles when the request may go on, or when a response was sent.
 * It never settles if the client hangs up before that.
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

  constructor(current: CurrentAuthentication, paths: AppPaths) {
    this.#current = current
    this.#paths = paths
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
    if (verdict === undefined || this.#alive(request) !== null || isOwnRoute(request)) return done()
    return this.#refuse(request, reply)
  }

  /** Makes {@link checkAgain} the last hook of a route before its handler. */
  readonly checkAgainLast = (route: RouteOptions): void => {
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
      return isOwnRoute(request) ? done?.() : this.#refuse(request, reply)
    }
    const mayPass = !adminOnly || authentication.user.isAdmin || isOwnRoute(request)
    if (!mayPass) throw leAuthError('LE_AUTH_ADMIN_REQUIRED')
    this.#pass(request, reply)
    // The plugin's own routes use no access token.
    const refresh = isOwnRoute(request) ? null : Authentication.keepFresh(authentication)
    if (refresh === null) return done?.()
    return asPromise(new GuardOutcome(this.#afterRefresh(refresh, request, reply), done))
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
      if ((error as LeAuthError).code !== 'LE_AUTH_LOGIN_REQUIRED') throw error
    }
    if (this.#alive(request) !== null) return true
    await this.#refuse(request, reply)
    return false
  }

  /**
   * @returns a promise that settles when the response is sent; until then, no later hook may run
   */
  #refuse(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#current.set(request, null)
    this.#current.setVerdict(request, 'refused')
    reply.header('cache-control', 'no-store')
    const { login, origin, publicPrefix } = this.#paths
    if (isPageNavigation(request)) {
      const returnTo = returnPath(publicPrefix + request.originalUrl, origin)
      return whenSent(reply.redirect(withReturnTo(login, returnTo), 302))
    }
    const { code, statusCode, message } = leAuthError('LE_AUTH_LOGIN_REQUIRED')
    const body = { statusCode, code, error: 'Unauthorized', message, loginUrl: login }
    return whenSent(reply.code(statusCode).send(body))
  }
}

/**
 * Settles when the response is sent. Fastify's own promise of a reply also settles if the client
 * hangs up while an `onSend` hook runs, and the request would go on to its handler. This promise
 * never settles then.
 */
function whenSent(reply: FastifyReply): Promise<void> {
  return new Promise(resolve => {
    reply.then(
      () => {
        if (reply.raw.headersSent) resolve()
      },
      () => {}
    )
  })
}

/** Fastify and `await` take anything that has a `then`. */
function asPromise(outcome: PromiseLike<void>): Promise<void> {
  return outcome as Promise<void>
}
