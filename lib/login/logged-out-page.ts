import type { FastifyReply } from 'fastify'
import { escapeHtml } from '../http/html.ts'
import { sendPage } from '../http/page.ts'

/**
 * The page that another site gets to see in place of a login, if the user has logged out. A click
 * is a navigation of the same origin, and starts the login.
 */
export function sendLoggedOutPage(reply: FastifyReply, loginPath: string): FastifyReply {
  return sendPage(reply, 200, {
    title: 'You have logged out',
    content: `<p>Log in again to continue. If you are still logged in to LivePerson in this browser,
you need no password.</p>
<nav><a class="button" href="${escapeHtml(loginPath)}">Log in</a></nav>`
  })
}
