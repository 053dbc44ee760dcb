import type { FastifyReply, FastifyRequest } from 'fastify'
import { authOf } from 'fastify-le-auth'
import { html, type Html } from '../html.ts'
import { sendPage } from '../layout.ts'
import { failedRead, readConfiguration, textField } from '../liveperson.ts'

/** GET /admin: for administrators of the account only; `requireAdmin` guards its route. */
export async function adminPage(
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  const result = await readConfiguration(request, 'le-agents/status-reasons')
  return sendPage(request, reply, {
    title: 'Administration',
    content: html`<div class="heading"><h1>Administration</h1>
<p class="lead">You are an administrator of account <b>${authOf(request).accountId}</b>.</p></div>
<section class="sheet" aria-labelledby="reasons">
<h2 id="reasons">Reasons for being away</h2>
<p>Agents choose one of these when they are away.</p>
${'status' in result ? failedRead(result) : reasons(result.entries)}
</section>`
  })
}

function reasons(entries: Array<Record<string, unknown>>): Html {
  if (entries.length === 0) return html`<p class="empty">The account has none yet.</p>`
  return html`<ul class="rows">
${entries.map(reason)}</ul>`
}

function reason(entry: Record<string, unknown>): Html {
  const text = textField(entry, 'text') ?? 'No name'
  return html`<li><span>${text}</span> ${badge(entry['isEnabled'] === true)}</li>
`
}

function badge(isEnabled: boolean): Html {
  return isEnabled
    ? html`<span class="badge on">In use</span>`
    : html`<span class="badge off">Not in use</span>`
}
