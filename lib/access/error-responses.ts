import { STATUS_CODES } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LeAuthError } from '../errors.ts'
import { afterErrorHandlers, countErrorHandlers } from '../http/app-error-handlers.ts'
import { isPageNavigation } from '../http/navigation.ts'
import { sendProblemPage } from '../http/problem-page.ts'
import { requestedPath } from '../http/requested-path.ts'
import { whenSent } from '../http/when-sent.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import { Authentication } from './authentication.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import { problemOf } from './error-page.ts'
import { sendLogoutPage } from './logout-page.ts'
import { isOwnRoute } from './own-routes.ts'

/**
 * Responds if a guard, the hook that finds out who is logged in, or a route of the plugin's own
 * fails: through the error handlers of the app, else with a page for a person or with JSON for a
 * script.
 */
export class ErrorResponses {
  readonly #current: CurrentAuthentication
  readonly #paths: AppPaths

  constructor(current: CurrentAuthentication, paths: AppPaths) {
    this.#current = current
    this.#paths = paths
  }

  /**
   * @returns a promise that settles when the response is sent; until then, no later hook may run.
   * It rejects at once if the app has an error handler for this request, which gets the error.
   */
  async respond(error: LeAuthError, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.header('cache-control', 'no-store')
    this.#sayWhen(error, request, reply)
    const handlers = countErrorHandlers(request)
    this.#current.setVerdict(request, handlers === 0 ? 'refused' : error)
    if (handlers === 0) return whenSent(this.#send(error, request, reply))
    afterErrorHandlers(reply, error, handlers, () => this.#send(error, request, reply))
    throw error
  }

  /** The error handler of the plugin's own routes. Those of the app come after it. */
  readonly handle = async (
    error: Error,
    request: FastifyRequest,
    reply: FastifyReply
  ): Promise<void> => {
    if (!(error instanceof LeAuthError)) throw error
    await this.respond(error, request, reply)
  }

  /** Says when a refresh is tried again (RFC 9110 §10.2.3). Nobody knows when a store is back. */
  #sayWhen({ code }: LeAuthError, request: FastifyRequest, reply: FastifyReply): void {
    const authentication = this.#current.of(request)
    if (code !== 'LE_AUTH_REFRESH_UNAVAILABLE' || authentication === null) return
    const seconds = Authentication.secondsUntilRefresh(authentication)
    if (seconds > 0) reply.header('retry-after', seconds)
  }

  #send(error: LeAuthError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    log(error, request)
    return isForPerson(request) ? this.#sendPage(error, request, reply) : sendJson(error, reply)
  }

  #sendPage(error: LeAuthError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { code, statusCode } = error
    if (isLogout(request, this.#paths) && code === 'LE_AUTH_LOGOUT_CROSS_SITE') {
      return sendLogoutPage(reply, statusCode, this.#paths, code)
    }
    const isLoggedIn = this.#current.of(request) !== null
    const isForm = request.method === 'POST'
    const path = isForm ? null : this.#retryPath(request)
    return sendProblemPage(reply, problemOf(error, { isLoggedIn, isForm, path }, this.#paths))
  }

  /** The URL of a callback holds a code and a state, which are in no page. */
  #retryPath(request: FastifyRequest): string | null {
    const { login, routes } = this.#paths
    const isOther = isOwnRoute(request) && request.routeOptions.url !== routes.login
    return isOther ? login : requestedPath(request, this.#paths)
  }
}

/** What Fastify would log. A visitor's 401 is no event. */
function log(error: LeAuthError, request: FastifyRequest): void {
  if (error.statusCode === 401) return
  request.log[error.statusCode < 500 ? 'info' : 'error']({ err: error }, error.message)
}

/** A person opens a page, or sends a form. */
function isForPerson(request: FastifyRequest): boolean {
  const { headers, method } = request
  return isPageNavigation(
    method === 'POST' ? ({ headers, method: 'GET' } as FastifyRequest) : request
  )
}

function isLogout({ routeOptions }: FastifyRequest, { routes }: AppPaths): boolean {
  return routeOptions.url === routes.logout
}

/** As text, so that no response schema of the route can change it or fail. */
function sendJson(
  { statusCode, code, message, loginUrl }: LeAuthError,
  reply: FastifyReply
): FastifyReply {
  const body = { statusCode, code, error: STATUS_CODES[statusCode], message, loginUrl }
  return reply
    .code(statusCode)
    .type('application/json; charset=utf-8')
    .serializer(String)
    .send(JSON.stringify(body))
}
