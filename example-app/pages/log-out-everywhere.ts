import type { FastifyReply, FastifyRequest } from 'fastify'
import { html } from '../html.ts'
import { sendPage } from '../layout.ts'

/** GET /log-out-everywhere: explains what it does and asks for confirmation. */
export async function logOutEverywherePage(
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  return sendPage(request, reply, {
    title: 'Log out everywhere?',
    content: html`<section class="sheet narrow">
<h1>Log out everywhere?</h1>
<p>This ends all your LivePerson sessions, not only this one:</p>
<ul>
<li>in Northdesk and in every other application that uses your LivePerson login,</li>
<li>in every browser and on every device.</li>
</ul>
<p>LivePerson will ask for your password before you can log in again.</p>
<form class="actions" method="post" action="/logout">
<button class="button danger" name="revoke" value="true">Log out everywhere</button>
<a href="/profile">Keep me logged in</a>
</form>
</section>`
  })
}
