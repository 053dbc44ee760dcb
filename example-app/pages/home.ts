import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Authentication } from 'fastify-le-auth'
import { html, type Html } from '../html.ts'
import { nameOf, sendPage } from '../layout.ts'
import { logoutNotice } from '../logged-out.ts'

/** GET /: open to visitors too. */
export async function homePage(
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  const { leAuth } = request
  if (leAuth) return sendPage(request, reply, { title: 'Home', content: forUser(leAuth) })
  const { 'logged-out': untrustedReach } = request.query as Record<string, unknown>
  const content = forVisitor(logoutNotice(untrustedReach))
  return sendPage(request, reply, { title: 'The agent directory', content })
}

const COMPASS = html`<svg class="compass" viewBox="0 0 200 200" aria-hidden="true">
<circle cx="100" cy="100" r="97"/>
<circle cx="100" cy="100" r="88" pathLength="72"
stroke-width="6" stroke-dasharray=".16 .84" stroke-dashoffset=".08"/>
<circle cx="100" cy="100" r="86" pathLength="8"
stroke-width="10" stroke-dasharray=".03 .97" stroke-dashoffset=".015"/>
<circle cx="100" cy="100" r="56"/>
<path class="pointer" d="m100 26 19 74H81Z"/><path class="tail" d="m100 174-19-74h38Z"/>
</svg>`

function forVisitor(notice: Html | undefined): Html {
  return html`<div class="hero">${notice}
<div>
<h1>Everyone at your desk, in one place.</h1>
<p class="lead">Northdesk lists the people of your LivePerson account: who they are, how to reach
them, and who is active.</p>
<p class="actions"><a class="button large" href="/login">Log in with LivePerson</a></p>
</div>
${COMPASS}
</div>
<section class="how" aria-labelledby="how">
<h2 id="how">How the login works</h2>
<ol class="steps">
<li><b>You log in at LivePerson</b> Your password stays there. Northdesk never sees it.</li>
<li><b>LivePerson says who you are</b> Your user, your account, and whether you administer it.</li>
<li><b>Northdesk acts as you</b> With your rights and no others, for at most eight hours.</li>
</ol>
</section>`
}

function forUser({ user, accountId }: Authentication): Html {
  return html`<div class="heading">
<h1>Hello, ${nameOf(user)}</h1>
<p class="lead">You are logged in to LivePerson account <b>${accountId}</b>.</p>
</div>
<ul class="tiles">
${tile('/agents', 'Agents', 'Names, login names and e-mail addresses of everyone in the account.')}
${tile('/profile', 'Your profile', 'What LivePerson told Northdesk about you and your login.')}
${user.isAdmin && tile('/admin', 'Administration', 'The reasons agents can give for being away.')}
</ul>`
}

function tile(path: string, title: string, text: string): Html {
  return html`<li><a href="${path}"><b>${title}</b> <span>${text}</span></a></li>`
}
