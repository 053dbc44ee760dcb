import type { FastifyReply } from 'fastify'
import type { LeAuthError } from '../errors.ts'
import { escapeHtml } from '../http/html.ts'
import { sendPage } from '../http/page.ts'
import { sendProblemPage } from '../http/problem-page.ts'

const SWITCH =
  'You can log in as somebody else. This first ends your LivePerson session in this browser, in ' +
  'all LivePerson applications.'
const LOG_OUT_FIRST = 'To log in as somebody else, log out at LivePerson first.'
const NOT_CONFIRMED =
  'LivePerson did not confirm that your session has ended. Log out at LivePerson first, then log ' +
  'in again here.'

/**
 * The page that a user sees whom `onLogin` has refused.
 *
 * @param loginPath starts a login by GET, and ends the refused user's session first by POST
 * @param canSwitchUser whether POST can do that
 */
export function sendRefusalPage(
  reply: FastifyReply,
  { code, message, statusCode }: LeAuthError,
  loginPath: string,
  canSwitchUser: boolean
): FastifyReply {
  return sendProblemPage(reply, {
    status: statusCode,
    title: 'You cannot log in to this app',
    text: [message, canSwitchUser ? SWITCH : LOG_OUT_FIRST],
    links: [{ label: 'Log in again', path: loginPath }],
    ...(canSwitchUser && { form: { label: 'Log in as somebody else', path: loginPath } }),
    code
  })
}

/** The page after a revocation that LivePerson did not confirm. */
export function sendNotSwitchedPage(
  reply: FastifyReply,
  { code, statusCode }: LeAuthError,
  loginPath: string
): FastifyReply {
  return sendProblemPage(reply, {
    status: statusCode,
    title: 'LivePerson did not log you out',
    text: [NOT_CONFIRMED],
    links: [{ label: 'Log in again', path: loginPath }],
    code
  })
}

/**
 * Starts a login in a navigation of its own. A redirect would belong to the form, and Chromium
 * applies the form-action of the app's page to all redirects, as far as LivePerson.
 */
export function sendOnToLogin(reply: FastifyReply, loginPath: string): FastifyReply {
  reply.header('refresh', `0; url=${loginPath}`)
  return sendPage(reply, 200, {
    title: 'Continue to LivePerson',
    content: `<p>You can log in at LivePerson as somebody else now.</p>
<nav><a class="button" href="${escapeHtml(loginPath)}">Continue</a></nav>`
  })
}
