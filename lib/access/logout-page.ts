import type { FastifyReply } from 'fastify'
import { escapeHtml } from '../http/html.ts'
import { sendPage } from '../http/page.ts'
import { detailsForOperator } from '../http/problem-page.ts'
import type { AppPaths } from '../options/resolved-options.ts'

/**
 * Sends the form by a script's request. A service worker that adds a header to forms would
 * otherwise lead the user back to this page. `form.submit()` shows what went wrong.
 */
const SCRIPT = `
const form = document.forms[0]
form.onsubmit = async event => {
  event.preventDefault()
  const response = await fetch('', { method: 'POST' }).catch(() => null)
  if (response?.status === 204) location.replace(form.dataset.then)
  else if (response?.redirected) location.replace(response.url)
  else form.submit()
}
`

/**
 * A page that asks whether to log out. It does nothing before the user presses the button. The form
 * leads to the page's own address.
 */
export function sendLogoutPage(
  reply: FastifyReply,
  status: number,
  { afterLogin, afterLogout }: AppPaths,
  errorCode?: string
): FastifyReply {
  const details = errorCode === undefined ? '' : detailsForOperator(reply, errorCode)
  return sendPage(reply, status, {
    title: 'Log out?',
    content: `<p>You have not been logged out yet. To log out of this app, press the button.</p>
<form method="post" data-then="${escapeHtml(afterLogout)}">
<button class="button">Log out</button> <a href="${escapeHtml(afterLogin)}">Cancel</a>
</form>
${details}`,
    script: SCRIPT,
    formAction: "'self'",
    connect: "'self'"
  })
}
