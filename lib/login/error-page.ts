import type { FastifyReply } from 'fastify'
import type { LeAuthError } from '../errors.ts'
import { sendProblemPage } from '../http/problem-page.ts'

/**
 * The page that a visitor sees after a failed login.
 *
 * @param retryPath starts the login again
 */
export function sendErrorPage(
  reply: FastifyReply,
  error: LeAuthError,
  retryPath: string
): FastifyReply {
  const isDenied = error.code === 'LE_AUTH_LOGIN_DENIED'
  return sendProblemPage(reply, {
    status: error.statusCode,
    title: isDenied ? 'You are not logged in' : 'The login did not work',
    text: [error.message],
    links: [{ label: 'Try again', path: retryPath }],
    code: errorCode(error)
  })
}

/**
 * The browser causes an invalid callback, so its reason is shown. Other reasons are for the log.
 */
function errorCode(error: LeAuthError): string {
  return error.code === 'LE_AUTH_CALLBACK_INVALID' ? `${error.code} (${error.reason})` : error.code
}
