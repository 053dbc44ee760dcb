import type { FastifyReply } from 'fastify'
import type { LeAuthError } from '../errors.ts'
import { escapeHtml } from '../http/html.ts'
import { sendPage } from '../http/page.ts'

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
  const path = escapeHtml(loginPath)
  return sendPage(reply, statusCode, {
    title: 'You cannot log in to this app',
    content: `<p>${escapeHtml(message)}</p>
${canSwitchUser ? switchForm(path) : logOutFirst(path)}
<small>Error code: <code>${code}</code></small>`,
    formAction: "'self'"
  })
}

function switchForm(path: string): string {
  return `<p>You can log in as somebody else. This first ends your LivePerson session in this
browser, in all LivePerson applications.</p>
<form method="post" action="${path}"><button class="button">Log in as somebody else</button></form>`
}

function logOutFirst(path: string): string {
  return `<p>To log in as somebody else, log out at LivePerson first.</p>
<a class="button" href="${path}">Log in again</a>`
}

/** The page after a revocation that LivePerson did not confirm. */
export function sendNotSwitchedPage(
  reply: FastifyReply,
  { code, statusCode }: LeAuthError,
  loginPath: string
): FastifyReply {
  return sendPage(reply, statusCode, {
    title: 'LivePerson did not log you out',
    content: `<p>LivePerson did not confirm that your session has ended. Log out at LivePerson
first, then log in again here.</p>
<a class="button" href="${escapeHtml(loginPath)}">Log in again</a>
<small>Error code: <code>${code}</code></small>`
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
<a class="button" href="${escapeHtml(loginPath)}">Continue</a>`
  })
}
