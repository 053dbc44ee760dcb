import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { LeAuthError } from 'fastify-le-auth'
import { html, type Html } from './html.js'
import { sendPage, wantsPage } from './layout.js'

/** What an error page or an error answer says. */
interface Problem {
  status: number
  code?: string
  title: string
  message: string
  /** Begins a failed login again, for the same page. */
  retryPath?: string | undefined
}

/** Answers an error: a page for a person, JSON for a program. */
export async function answerError (error: FastifyError | LeAuthError, request: FastifyRequest, reply: FastifyReply, retryPath?: string): Promise<FastifyReply> {
  const problem = error instanceof LeAuthError ? problemOf(error) : unknownProblem(error)
  const statusCode = problem.status
  // The error itself is for the log only: its text may repeat anything. Ours repeat nothing.
  if (statusCode >= 500) request.log.error({ err: error }, 'request failed')
  else request.log.info({ code: error.code, statusCode }, 'request refused')
  return answer(request, reply, { ...problem, retryPath })
}

/** Answers a request for what is not there. */
export async function answerNotFound (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return answer(request, reply, { status: 404, title: 'There is no such page', message: 'The address may be mistyped, or the page has moved.' })
}

function problemOf ({ code, statusCode: status, message }: LeAuthError): Problem {
  return { status, code, message, title: TITLES.get(code) ?? 'That did not work' }
}

const TITLES = new Map<string, string>([
  ['LE_AUTH_ADMIN_REQUIRED', 'You need to be an administrator'],
  ['LE_AUTH_LOGIN_DENIED', 'You are not logged in'],
  ['LE_AUTH_SESSION_ENDED', 'Your login has ended']
])

function unknownProblem ({ statusCode = 500 }: FastifyError): Problem {
  if (statusCode >= 500) return { status: statusCode, title: 'Something went wrong', message: 'The fault is ours, and it has been noted. Try again in a minute.' }
  return { status: statusCode, title: 'Something went wrong', message: 'Northdesk could not make sense of this request.' }
}

function answer (request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, title, message, code } = problem
  if (wantsPage(request)) return sendPage(request, reply, { status, title, content: errorPage(problem, request) })
  return reply.code(status).header('cache-control', 'no-store').send({ statusCode: status, error: STATUS_CODES[status], message, code })
}

function errorPage (problem: Problem, request: FastifyRequest): Html {
  return html`<section class="sheet narrow">
<h1>${problem.title}</h1>
<p>${problem.message}</p>
<p class="actions">${wayOut(problem, request)}</p>
<p class="fine">Error ${problem.status}${problem.code !== undefined && html` · <code>${problem.code}</code>`} · request <code>${request.id}</code></p>
</section>`
}

/** What the person can do now. */
function wayOut ({ status, code, retryPath }: Problem, request: FastifyRequest): Html {
  const home = html`<a class="button" href="/">Go to the home page</a>`
  if (code === 'LE_AUTH_ADMIN_REQUIRED') return html`${home} <a href="/log-out-everywhere">Log in as somebody else</a>`
  if (retryPath !== undefined) return html`<a class="button" href="${retryPath}">Log in with LivePerson</a> <a href="/">Home</a>`
  if (request.leAuth === null && code !== undefined) return html`<a class="button" href="/login">Log in with LivePerson</a> <a href="/">Home</a>`
  // An empty address is the one of this page.
  return status >= 500 ? html`<a class="button" href="">Try again</a> <a href="/">Home</a>` : home
}
