import type { FastifyReply } from 'fastify'
import type { LeAuthError } from '../errors.ts'
import { escapeHtml } from '../http/html.ts'
import { sendPage } from '../http/page.ts'

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
  return sendPage(reply, error.statusCode, {
    title: isDenied ? 'You are not logged in' : 'The login did not work',
    content: `<p>${escapeHtml(error.message)}</p>
<a class="button" href="${escapeHtml(retryPath)}">Try again</a>
<small>Error code: <code>${errorCode(error)}</code></small>`
  })
}

/**
 * The browser causes an invalid callback, so its reason is shown. Other reasons are for the log.
 */
function errorCode(error: LeAuthError): string {
  return error.code === 'LE_AUTH_CALLBACK_INVALID' ? `${error.code} (${error.reason})` : error.code
}
