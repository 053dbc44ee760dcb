import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from 'fastify-le-auth'
import { html, type Html } from './html.ts'

/** One page of the app. */
export interface Page {
  title: string
  content: Html
  /** @default 200 */
  status?: number
}

interface Link {
  path: string
  text: string
}

/** Sends a page in the common layout. It names the user, so no cache may keep it. */
export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { title, content, status = 200 }: Page
): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(`<!doctype html>\n${frame(request, title, content).text}\n`)
}

/** Whether a browser wants a page; a script does not. */
export function wantsPage({ headers }: FastifyRequest): boolean {
  return String(headers.accept).includes('text/html')
}

/** A name for the user. These claims are not documented, so the id may have to do. */
export function nameOf({ id, claims }: User): string {
  const names = [claims['name'], claims['username'], claims['email']]
  return names.find(claim => typeof claim === 'string') ?? id
}

function frame(request: FastifyRequest, title: string, content: Html): Html {
  const user = request.leAuth?.user ?? null
  return html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Northdesk</title>
<link rel="icon" href="/assets/northdesk.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/northdesk.css">
<script src="/assets/fresh-page.js" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<div class="wide">
<a class="brand" href="/">${MARK}<span>Northdesk</span></a>
<nav aria-label="Pages">${navigation(user, request.routeOptions.url)}</nav>
${user === null ? LOG_IN : account(user)}
</div>
</header>
<main class="wide" id="content" tabindex="-1">
${content}
</main>
<footer class="wide">Northdesk is the example app of fastify-le-auth: log in through LivePerson with
Fastify.</footer>
</body>
</html>`
}

const MARK = html`<svg viewBox="0 0 24 24" aria-hidden="true">
<path class="ring" d="M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z"/>
<path class="needle" d="m12 4.5 4 7.5H8Z"/><path class="tail" d="m12 19.5-4-7.5h8Z"/>
</svg>`

const LOG_IN = html`<div class="account"><a class="button quiet" href="/login">Log in</a></div>`

function account(user: User): Html {
  return html`<form class="account" method="post" action="/logout">
<span class="who"><span class="hidden">Logged in as </span>${nameOf(user)}</span>
<button class="button quiet">Log out</button>
</form>`
}

function navigation(user: User | null, current: string | undefined): Html[] {
  return linksFor(user).map(link => navigationLink(link, current))
}

function linksFor(user: User | null): Link[] {
  const links = [
    { path: '/', text: 'Home' },
    { path: '/agents', text: 'Agents' }
  ]
  if (user === null) return links
  links.push({ path: '/profile', text: 'Profile' })
  return user.isAdmin ? [...links, { path: '/admin', text: 'Admin' }] : links
}

function navigationLink({ path, text }: Link, current: string | undefined): Html {
  return html`<a href="${path}"${path === current && html` aria-current="page"`}>${text}</a>`
}
