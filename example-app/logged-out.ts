import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LoginEvent, LogoutEvent } from 'fastify-le-auth'
import { html, type Html } from './html.js'
import { sendPage, wantsPage } from './layout.js'

/** Says that this browser was logged out on purpose. It gives no right, so it is neither signed nor a secret. */
const COOKIE = 'northdesk-logged-out'
const ATTRIBUTES: CookieSerializeOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' }

/** Takes back the mark of the last logout. */
export function afterLogin (_event: LoginEvent, request: FastifyRequest, reply: FastifyReply): void {
  if (request.cookies[COOKIE] !== undefined) reply.clearCookie(COOKIE, ATTRIBUTES)
}

/** Leads to the home page, which says what the logout did. */
export function afterLogout ({ revoked }: LogoutEvent, _request: FastifyRequest, reply: FastifyReply): void {
  const reach = revoked === null ? 'here' : revoked ? 'everywhere' : 'only-here'
  reply.setCookie(COOKIE, '1', ATTRIBUTES).redirect(`/?logged-out=${reach}`, 303)
}

/**
 * Asks before a login begins in a browser that was logged out. Without it, LivePerson's single sign-on would answer
 * for the user, and the back button would show the page that was just left behind.
 */
export async function askBeforeLogin (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  if (request.leAuth !== null || request.cookies[COOKIE] === undefined || !wantsPage(request)) return
  return sendPage(request, reply, {
    status: 401,
    title: 'You are logged out',
    content: html`<section class="sheet narrow">
<h1>You are logged out</h1>
<p>Log in again to see this page.</p>
<p class="actions"><a class="button" href="/login?returnTo=${encodeURIComponent(request.url)}">Log in with LivePerson</a>
<a href="/">Home</a></p>
</section>`
  })
}

const NOTICES = new Map([
  ['here', html`<p class="notice" role="status"><b>You are logged out of Northdesk.</b> You may still be logged in to LivePerson in this browser. On a shared computer, log out there as well.</p>`],
  ['everywhere', html`<p class="notice" role="status"><b>You are logged out everywhere.</b> Northdesk and all LivePerson applications have ended your sessions.</p>`],
  ['only-here', html`<p class="notice warning" role="alert"><b>You are logged out of Northdesk only.</b> LivePerson could not be told to end your other sessions. Log out there as well.</p>`]
])

/** What the home page says after a logout: one of a few sentences, whatever the address says. */
export function logoutNotice (untrustedReach: unknown): Html | undefined {
  return NOTICES.get(untrustedReach as string)
}
