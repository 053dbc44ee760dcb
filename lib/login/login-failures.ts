import type { FastifyReply, FastifyRequest } from 'fastify'
import { publish } from '../diagnostics.ts'
import { LeAuthError } from '../errors.ts'
import { isPageNavigation } from '../http/navigation.ts'
import { hasResponded, watchResponse } from '../http/watch-response.ts'
import { withReturnTo } from '../http/return-path.ts'
import type { LoginErrorHook } from '../options/options.ts'
import { sendErrorPage } from './error-page.ts'
import { sendRefusalPage } from './refusal-page.ts'
import type { Refusal, Refusals } from './refusals.ts'

interface FailureSettings {
  accountId: string
  /** The path of GET /login, as the browser sees it. */
  loginPath: string
  onLoginError: LoginErrorHook | undefined
  refusals: Refusals
}

/** Responds to failed logins. */
export class LoginFailures {
  readonly #settings: FailureSettings

  constructor(settings: FailureSettings) {
    this.#settings = settings
  }

  /**
   * Responds through the app's `onLoginError` if there is one, else with a page if a browser opens
   * one, else by throwing the error, so that the app's error handler responds.
   *
   * @param returnPath where the login was to lead, for the next attempt; `null` if not known
   */
  async respond(
    request: FastifyRequest,
    reply: FastifyReply,
    error: unknown,
    returnPath: string | null
  ): Promise<FastifyReply> {
    // Any other error is a fault in code, which is for the app's error handler.
    if (!(error instanceof LeAuthError)) throw error
    const refusal = this.#settings.refusals.of(request)
    this.#report(request, error, refusal)
    if (hasResponded(reply)) return reply
    watchResponse(reply)
    const retryPath = withReturnTo(this.#settings.loginPath, returnPath)
    // If the hook returns `reply`, this waits until the response is sent.
    const { canSwitchUser = false } = refusal ?? {}
    await this.#settings.onLoginError?.({ error, retryPath, canSwitchUser }, request, reply)
    if (hasResponded(reply)) return reply
    if (!isPageNavigation(request)) throw error
    if (refusal !== undefined) return sendRefusalPage(reply, error, retryPath, canSwitchUser)
    return sendErrorPage(reply, error, retryPath)
  }

  #report(
    { log }: FastifyRequest,
    { code, reason, hint }: LeAuthError,
    refusal: Refusal | undefined
  ): void {
    const facts = { accountId: this.#settings.accountId, code, reason }
    publish('fastify-le-auth:login:failed', facts)
    if (refusal === undefined) {
      return log.warn({ leAuth: { event: 'login_failed', ...facts, hint } }, 'login failed')
    }
    const { userId } = refusal
    log.info({ leAuth: { event: 'login_failed', ...facts, userId } }, 'login refused')
  }
}
