import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LoginEvent, LogoutEvent } from 'fastify-le-auth'
import { html, type Html } from './html.ts'
import { sendPage, wantsPage } from './layout.ts'

/** Marks a browser in which the user logged out. It grants nothing, so it is not signed. */
const COOKIE = 'northdesk-logged-out'
const ATTRIBUTES: CookieSerializeOptions = {
  path: '/',
  httpOnly: true,
  sameSite: 'lax',
  secure: 'auto'
}

/** Clears the cookie of the last logout. */
export function afterLogin(_event: LoginEvent, request: FastifyRequest, reply: FastifyReply): void {
  if (request.cookies[COOKIE] !== undefined) reply.clearCookie(COOKIE, ATTRIBUTES)
}

/** Redirects to the home page, which says what the logout did. */
export function afterLogout(
  { revoked }: LogoutEvent,
  _request: FastifyRequest,
  reply: FastifyReply
): void {
  const reach = revoked === null ? 'here' : revoked ? 'everywhere' : 'only-here'
  reply.setCookie(COOKIE, '1', ATTRIBUTES).redirect(`/?logged-out=${reach}`, 303)
}

/**
 * After a logout, shows a page with a login link instead of starting a login. Otherwise
 * LivePerson's single sign-on would log the user in again, and the back button would show the
 * protected page.
 */
export async function confirmLogin(
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply | undefined> {
  const isMarked = request.cookies[COOKIE] !== undefined
  if (request.leAuth !== null || !isMarked || !wantsPage(request)) return
  const loginPath = `/login?returnTo=${encodeURIComponent(request.url)}`
  return sendPage(request, reply, {
    status: 401,
    title: 'You are logged out',
    content: html`<section class="sheet narrow">
<h1>You are logged out</h1>
<p>Log in again to see this page.</p>
<p class="actions"><a class="button" href="${loginPath}">Log in with LivePerson</a>
<a href="/">Home</a></p>
</section>`
  })
}

const NOTICES = new Map([
  [
    'here',
    html`<p class="notice" role="status"><b>You are logged out of Northdesk.</b>
You may still be logged in to LivePerson in this browser.
On a shared computer, log out there as well.</p>`
  ],
  [
    'everywhere',
    html`<p class="notice" role="status"><b>You are logged out everywhere.</b>
Northdesk and all LivePerson applications have ended your sessions.</p>`
  ],
  [
    'only-here',
    html`<p class="notice warning" role="alert">
<b>You are logged out of Northdesk only.</b>
LivePerson did not confirm that your other sessions have ended. Log out there as well.</p>`
  ]
])

/** The home page's notice after a logout. The address can only choose between these three. */
export function logoutNotice(untrustedReach: unknown): Html | undefined {
  return NOTICES.get(untrustedReach as string)
}
