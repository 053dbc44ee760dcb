import type { FastifyReply } from 'fastify'
import type { ResolvedOptions } from '../options/options.js'
import { escapeHtml, sendPage } from '../http/page.js'

/**
 * Sends the browser to Sentinel by POST: the parameters stay in the query, as LivePerson's page "User Login" prints
 * them. The form posts itself; without JavaScript there is a button.
 */
export function sendFormPost (reply: FastifyReply, url: string, options: ResolvedOptions): FastifyReply {
  return sendPage(reply, 200, {
    title: 'Continue to LivePerson',
    content: `<p>You log in at LivePerson and come straight back.</p>
<form method="post" action="${escapeHtml(url)}"><button class="button">Continue</button></form>`,
    script: 'document.forms[0].submit()',
    formAction: formTargets(url, options)
  })
}

/** Chromium holds a form's redirects to this list too: Sentinel, its login page, and back to the app. */
function formTargets (url: string, { origin, trust }: ResolvedOptions): string {
  return [new URL(url).origin, origin, ...trust.domains.map(domain => `https://*.${domain}`)].join(' ')
}
