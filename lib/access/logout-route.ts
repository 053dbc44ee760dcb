import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isAnswered, noteAnswers } from '../answered.js'
import { leAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options.js'
import { loginRouteHeaders } from '../route-headers.js'
import { assertSession, type LoginSessions } from '../session/login-session.js'

const FORM = 'application/x-www-form-urlencoded'
/** `revoke=true` and nothing else, in bytes. */
const BODY_LIMIT = 1024

/** POST /logout, in a scope of its own so that the app's routes keep their parsers. */
export async function logoutRoute (scope: FastifyInstance, options: ResolvedOptions, sessions: LoginSessions): Promise<void> {
  if (!scope.hasContentTypeParser(FORM)) await scope.register(formbody, { bodyLimit: BODY_LIMIT })
  scope.post(options.localRoutes.logout, { bodyLimit: BODY_LIMIT, onSend: loginRouteHeaders, config: { leAuthRoute: true } }, async (request, reply) => {
    if (!isSameOrigin(request, options.origin)) throw leAuthError('LE_AUTH_LOGOUT_CROSS_SITE')
    assertSession(request)
    noteAnswers(reply)
    if (request.leAuth === null) await sessions.end(request, reply)
    else await request.leAuth.logout({ revoke: revocationAsked(request) })
    if (!isAnswered(reply)) reply.redirect(options.logoutReturnPath, 303)
    return reply
  })
}

/** A form of another site cannot forge these (Fetch Metadata; Origin, RFC 6454 §7). A request without either is not a browser's of today. */
function isSameOrigin ({ headers }: FastifyRequest, origin: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return headers.origin === origin
}

function revocationAsked ({ body }: FastifyRequest): boolean {
  const { revoke } = (body ?? {}) as { revoke?: unknown }
  return revoke === true || revoke === 'true'
}
