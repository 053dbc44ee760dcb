import type { FastifyReply, FastifyRequest } from 'fastify'
import { isPageNavigation } from '../http/navigation.js'
import { isAnswered, noteAnswers } from '../http/answered.js'
import { publish } from '../diagnostics.js'
import { leAuthError, LeAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options/options.js'
import { withReturnTo } from '../http/return-path.js'
import { escapeHtml, sendPage } from '../http/page.js'

/** What is known of a login when it fails. */
export interface FailedLogin {
  error: unknown
  /** Where the login was to end, for the next attempt. */
  returnPath: string | null
}

/**
 * Answers a failed login: through the app's `onLoginError` where there is one, with a page for somebody who is looking,
 * and else by throwing the error into the app's error handler.
 */
export async function answerFailure (options: ResolvedOptions, request: FastifyRequest, reply: FastifyReply, { error, returnPath }: FailedLogin): Promise<FastifyReply> {
  // Anything but our own errors is a fault in code: for the app's error handler, not for a page.
  if (!(error instanceof LeAuthError)) throw error
  const facts = { accountId: options.accountId, code: error.code, reason: error.reason }
  publish('fastify-le-auth:login:failed', facts)
  request.log.warn({ leAuth: { event: 'login_failed', ...facts } }, 'login failed')
  const retryPath = withReturnTo(options.publicPrefix + options.routes.login, returnPath)
  if (isAnswered(reply)) return reply
  noteAnswers(reply)
  // A reply can be awaited: where the hook returns it, this waits until it is sent.
  await options.onLoginError?.({ error, retryPath }, request, reply)
  if (isAnswered(reply)) return reply
  if (!isPageNavigation(request)) throw error
  return sendPage(reply, error.statusCode, {
    title: error.code === 'LE_AUTH_LOGIN_DENIED' ? 'You are not logged in' : 'The login did not work',
    content: `<p>${escapeHtml(error.message)}</p>
<a class="button" href="${escapeHtml(retryPath)}">Try again</a>
<small>Error code: <code>${error.code}</code></small>`
  })
}

/** An error of the app's `onLogin`; its own message goes to the app's log and hooks, and never to the user. */
export function hookFailure (error: unknown, request: FastifyRequest): LeAuthError {
  request.log.error({ err: error }, 'onLogin failed')
  return leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { cause: error })
}
