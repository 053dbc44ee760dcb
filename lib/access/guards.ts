import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options/options.js'
import { returnPath, withReturnTo } from '../http/return-path.js'
import { Authentication } from './authentication.js'
import type { CurrentAuthentication } from './current.js'
import { isPageNavigation } from '../http/navigation.js'
import { isOwnRoute } from './own-routes.js'
import { Outcome } from './outcome.js'

/**
 * A hook that lets some requests through, as `onRequest` or `preHandler`. Called by hand it is awaited; what it returns
 * settles when the request may go on, or when it has been answered.
 */
export type Guard = (request: FastifyRequest, reply: FastifyReply, done?: (error?: Error) => void) => void | Promise<void>

/** The hooks of one registration of the plugin. They never decrypt, never parse a JWT, and wait only for a refresh that is due. */
export class Guards {
  readonly #current: CurrentAuthentication
  readonly #options: ResolvedOptions
  readonly #loginPath: string

  constructor (current: CurrentAuthentication, options: ResolvedOptions) {
    this.#current = current
    this.#options = options
    this.#loginPath = options.publicPrefix + options.routes.login
  }

  readonly requireAuth: Guard = (request, reply, done) => this.#guard(request, reply, done, false)

  readonly requireAdmin: Guard = (request, reply, done) => this.#guard(request, reply, done, true)

  /** Asks once more whether the login lives: a body may have taken its time since the guard has looked. */
  readonly lookAgain = (request: FastifyRequest, reply: FastifyReply, done: () => void): void | Promise<void> => {
    const verdict = this.#current.verdictOf(request)
    // It has been answered, whoever let it go on all the same.
    if (verdict === 'refused') return
    if (verdict === undefined) return done()
    const authentication = this.#current.of(request)
    if (authentication !== null && !Authentication.isOver(authentication)) return done()
    return isOwnRoute(request) ? done() : this.#refuse(request, reply)
  }

  /** Makes {@link lookAgain} the last hook of a route before its handler. */
  readonly lookAgainLast = (route: RouteOptions): void => {
    route.preHandler = [route.preHandler ?? [], this.lookAgain as NonNullable<RouteOptions['preHandler']>].flat() as NonNullable<RouteOptions['preHandler']>
  }

  #guard (request: FastifyRequest, reply: FastifyReply, done: Parameters<Guard>[2], adminOnly: boolean): ReturnType<Guard> {
    const authentication = this.#current.of(request)
    if (authentication === null || Authentication.isOver(authentication)) return isOwnRoute(request) ? done?.() : this.#refuse(request, reply)
    if (adminOnly && !authentication.user.isAdmin && !isOwnRoute(request)) throw leAuthError('LE_AUTH_ADMIN_REQUIRED')
    // A response for one user must not be kept for another; the handler may say otherwise.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'private, no-store')
    this.#current.setVerdict(request, 'passed')
    const refreshing = Authentication.keepFresh(authentication)
    if (refreshing === null) return done?.()
    if (isOwnRoute(request)) {
      // Nobody waits for it here.
      refreshing.catch(() => {})
      return done?.()
    }
    return new Outcome(this.#afterRefresh(refreshing, authentication, request, reply), done) as PromiseLike<void> as Promise<void>
  }

  /** @returns whether the request may go on; if not, it has been answered */
  async #afterRefresh (refreshing: Promise<void>, authentication: Authentication, request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    try {
      await refreshing
    } catch (error) {
      if ((error as LeAuthError).code !== 'LE_AUTH_SESSION_ENDED') throw error
    }
    if (!Authentication.isOver(authentication)) return true
    await this.#refuse(request, reply)
    return false
  }

  /** @returns what a hook that is awaited waits for: until the response is out, nothing else may run */
  #refuse (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#current.set(request, null)
    this.#current.setVerdict(request, 'refused')
    reply.header('cache-control', 'no-store')
    if (isPageNavigation(request)) {
      const returnTo = returnPath(this.#options.publicPrefix + request.originalUrl, this.#options.origin)
      return whenSent(reply.redirect(withReturnTo(this.#loginPath, returnTo), 302))
    }
    const { code, statusCode, message } = leAuthError('LE_AUTH_LOGIN_REQUIRED')
    return whenSent(reply.code(statusCode).send({ statusCode, code, error: 'Unauthorized', message, loginUrl: this.#loginPath }))
  }
}

/**
 * Settles when the response is out. Fastify's own promise of a reply also settles if the client has hung up while an `onSend` hook
 * works, and the request would go on to its handler. This one never does then.
 */
function whenSent (reply: FastifyReply): Promise<void> {
  return new Promise(resolve => {
    reply.then(() => { if (reply.raw.headersSent) resolve() }, () => {})
  })
}

/** Where a server keeps the guards of the registration that its scope has; scopes below inherit it. */
const GUARDS = Symbol('guards of fastify-le-auth')

/** Gives a scope, and those below it, the guards of a registration. */
export function installGuards (app: FastifyInstance, guards: Guards): void {
  Object.defineProperty(app, GUARDS, { value: guards })
}

/**
 * `app.requireAuth` for routes that are defined before the plugin has loaded, as without top-level `await`: the decorator
 * would be `undefined` there, and Fastify takes that as no hook at all.
 *
 * @throws LE_AUTH_NOT_REGISTERED
 */
export const requireAuth: Guard = (request, reply, done) => guardsOf(request).requireAuth(request, reply, done)

/** `app.requireAdmin` for routes that are defined before the plugin has loaded; see {@link requireAuth}. */
export const requireAdmin: Guard = (request, reply, done) => guardsOf(request).requireAdmin(request, reply, done)

function guardsOf ({ server }: FastifyRequest): Guards {
  const guards = (server as { [GUARDS]?: Guards })[GUARDS]
  if (guards === undefined) throw leAuthError('LE_AUTH_NOT_REGISTERED')
  return guards
}
