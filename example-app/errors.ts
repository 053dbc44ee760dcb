import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { LeAuthError } from 'fastify-le-auth'
import { html, type Html } from './html.ts'
import { sendPage, wantsPage } from './layout.ts'

/** The content of an error page or of a JSON error. */
interface Problem {
  status: number
  code?: string
  loginUrl?: string | undefined
  title: string
  message: string
  /** Starts a failed login again, for the same page. */
  retryPath?: string | undefined
}

/** Sends an error: a page to a browser, JSON to a script. */
export async function sendError(
  error: FastifyError | LeAuthError,
  request: FastifyRequest,
  reply: FastifyReply,
  retryPath?: string
): Promise<FastifyReply> {
  const problem = error instanceof LeAuthError ? problemOf(error) : unknownProblem(error)
  const statusCode = problem.status
  // Only the log gets the error: its message may contain anything, such as a secret.
  if (statusCode >= 500) request.log.error({ err: error }, 'request failed')
  else request.log.info({ code: error.code, statusCode }, 'request refused')
  return sendProblem(request, reply, { ...problem, retryPath })
}

/** The response if no route matches. */
export async function sendNotFound(
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  return sendProblem(request, reply, {
    status: 404,
    title: 'Page not found',
    message: 'Check the address: it may be mistyped, or the page may have moved.'
  })
}

function problemOf({ code, loginUrl, statusCode: status, message }: LeAuthError): Problem {
  return { status, code, loginUrl, message, title: TITLES.get(code) ?? 'Something went wrong' }
}

const TITLES = new Map<string, string>([
  ['LE_AUTH_ADMIN_REQUIRED', 'You need to be an administrator'],
  ['LE_AUTH_LOGIN_DENIED', 'You are not logged in'],
  ['LE_AUTH_LOGIN_REQUIRED', 'Your login has ended']
])

function unknownProblem({ statusCode = 500 }: FastifyError): Problem {
  const message =
    statusCode >= 500
      ? 'This is our fault, and we have logged it. Try again in a minute.'
      : 'Northdesk cannot read this request. Go back and try again.'
  return { status: statusCode, title: 'Something went wrong', message }
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, title, message, code, loginUrl } = problem
  if (wantsPage(request)) {
    return sendPage(request, reply, { status, title, content: errorPage(problem, request) })
  }
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .send({ statusCode: status, error: STATUS_CODES[status], message, code, loginUrl })
}

function errorPage(problem: Problem, request: FastifyRequest): Html {
  const { status, code, title, message } = problem
  const codeText = code !== undefined && html` · <code>${code}</code>`
  return html`<section class="sheet narrow">
<h1>${title}</h1>
<p>${message}</p>
<p class="actions">${nextSteps(problem, request)}</p>
<p class="fine">Error ${status}${codeText} · request <code>${request.id}</code></p>
</section>`
}

/** What the user can do now. */
function nextSteps({ status, code, retryPath }: Problem, request: FastifyRequest): Html {
  const home = html`<a class="button" href="/">Go to the home page</a>`
  if (code === 'LE_AUTH_ADMIN_REQUIRED') {
    return html`${home} <a href="/log-out-everywhere">Log in as another user</a>`
  }
  if (retryPath !== undefined) return buttonAndHome(retryPath, 'Log in with LivePerson')
  const isLoggedOut = request.leAuth === null && code !== undefined
  if (isLoggedOut) return buttonAndHome('/login', 'Log in with LivePerson')
  // An empty address means this page.
  return status >= 500 ? buttonAndHome('', 'Try again') : home
}

function buttonAndHome(path: string, text: string): Html {
  return html`<a class="button" href="${path}">${text}</a> <a href="/">Home</a>`
}
