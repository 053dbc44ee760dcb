import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isAnswered, noteAnswers } from '../http/answered.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options/options.js'
import { loginRouteHeaders } from '../http/route-headers.js'
import { Authentication } from './authentication.js'
import type { Logins } from '../logins/logins.js'
import type { AppSessions } from '../session/app-sessions.js'
import type { CurrentAuthentication } from './current.js'
import type { LoginCookie } from './login-cookie.js'
import { ownRoute } from './own-routes.js'

const FORM = 'application/x-www-form-urlencoded'
/** `revoke=true` and nothing else, in bytes. */
const BODY_LIMIT = 1024

interface LogoutRoute {
  options: ResolvedOptions
  logins: Logins
  sessions: AppSessions
  cookie: LoginCookie
  current: CurrentAuthentication
  /** @throws LE_AUTH_REVOCATION_FAILED */
  revoke: (accountId: string, refreshToken: string) => Promise<void>
}

/** POST /logout, in a scope of its own so that the app's routes keep their parsers. */
export async function logoutRoute (scope: FastifyInstance, { options, logins, sessions, cookie, current, revoke }: LogoutRoute): Promise<void> {
  if (!scope.hasContentTypeParser(FORM)) await scope.register(formbody, { bodyLimit: BODY_LIMIT })
  scope.post(options.localRoutes.logout, { bodyLimit: BODY_LIMIT, onSend: loginRouteHeaders, config: ownRoute }, async (request, reply) => {
    if (!isSameOrigin(request, options.origin)) throw leAuthError('LE_AUTH_LOGOUT_CROSS_SITE')
    noteAnswers(reply)
    const authentication = current.of(request)
    if (authentication === null || Authentication.isOver(authentication)) await clear(request, reply)
    else await authentication.logout({ revoke: revocationAsked(request) })
    if (!isAnswered(reply)) reply.redirect(options.logoutReturnPath, 303)
    return reply
  })

  /** Removes what is left of a login that is over, or whose logout failed half-way. */
  async function clear (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const id = cookie.idOf(request)
    if (id === null) return
    const newest = await logins.endById(id, revocationAsked(request))
    if (newest?.refreshToken !== undefined) await revoke(options.accountId, newest.refreshToken).catch(error => tellFailure(request, error))
    await sessions.end(request, reply)
    cookie.clear(reply)
  }
}

function tellFailure ({ log }: FastifyRequest, { code, reason }: LeAuthError): void {
  log.warn({ leAuth: { event: 'revocation_failed', code, reason } }, 'what was left of a login could not be revoked')
}

/** A form of another site cannot forge these (Fetch Metadata; Origin, RFC 6454 §7). A request without either is not a browser's of today. */
function isSameOrigin ({ headers }: FastifyRequest, origin: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return headers.origin === origin
}

function revocationAsked ({ body }: FastifyRequest): boolean {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'revoke')) return false
  const { revoke } = body as { revoke: unknown }
  return revoke === true || revoke === 'true'
}
