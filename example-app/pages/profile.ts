import type { FastifyReply, FastifyRequest } from 'fastify'
import { authOf, type User } from 'fastify-le-auth'
import { html, type Html, type HtmlValue } from '../html.ts'
import { nameOf, sendPage } from '../layout.ts'
import { moment } from '../moment.ts'

/** GET /profile: the user, the account and the times of the login. */
export async function profilePage(
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  const { user, accountId, loggedInAt, expiresAt } = authOf(request)
  const now = new Date()
  return sendPage(request, reply, {
    title: 'Your profile',
    content: html`<div class="heading"><h1>Your profile</h1>
<p class="lead">What LivePerson told Northdesk when you logged in.</p></div>
<section class="sheet">
<dl class="facts">
${fact('User', nameOf(user))}
${typeof user.claims['email'] === 'string' && fact('E-mail', user.claims['email'])}
${fact('User id', user.id)}
${fact('Account', accountId)}
${fact('Role', roleOf(user))}
${fact('Logged in', moment(loggedInAt, now))}
${fact('Access token expires', tokenEnd(expiresAt, now))}
</dl>
</section>
${LOGGING_OUT}`
  })
}

const LOGGING_OUT = html`<section class="sheet" aria-labelledby="logging-out">
<h2 id="logging-out">Logging out</h2>
<p>You can log out of Northdesk only, or end all your LivePerson sessions at once: in every
application, on every device.</p>
<form class="actions" method="post" action="/logout">
<button class="button">Log out of Northdesk</button>
<a class="button quiet" href="/log-out-everywhere">Log out everywhere</a>
</form>
</section>`

function fact(name: string, value: HtmlValue): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

function tokenEnd(expiresAt: Date | null, now: Date): HtmlValue {
  if (expiresAt === null) return 'LivePerson did not say'
  return html`${moment(expiresAt, now)}
<small>Northdesk refreshes it by itself. You do not have to do anything.</small>`
}

/** The id_token says only this. The names of profiles are in LivePerson's Users API. */
function roleOf({ isAdmin, isLpa }: User): string {
  if (isLpa) return 'LivePerson staff'
  return isAdmin ? 'Administrator' : 'User'
}
