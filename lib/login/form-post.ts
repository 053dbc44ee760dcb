import type { FastifyReply } from 'fastify'
import { escapeHtml } from '../http/html.ts'
import { sendPage } from '../http/page.ts'

/**
 * Sends the browser to Sentinel by POST, with the parameters in the query, as LivePerson's page
 * "User Login" prints it. The form submits itself; without JavaScript there is a button.
 *
 * @param origin the app's public origin
 * @param trustedDomains where Sentinel and its login page may be
 */
export function sendFormPost(
  reply: FastifyReply,
  url: string,
  origin: string,
  trustedDomains: string[]
): FastifyReply {
  // Chromium applies form-action to redirects too: to Sentinel, its login page, and back to the
  // app.
  const loginPages = trustedDomains.map(domain => `https://*.${domain}`)
  return sendPage(reply, 200, {
    title: 'Continue to LivePerson',
    content: `<p>You log in at LivePerson and come straight back.</p>
<form method="post" action="${escapeHtml(url)}"><button class="button">Continue</button></form>`,
    script: 'document.forms[0].submit()',
    formAction: [new URL(url).origin, origin, ...loginPages].join(' ')
  })
}
