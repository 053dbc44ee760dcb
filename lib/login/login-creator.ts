import type { FastifyReply, FastifyRequest } from 'fastify'
import { Authentication, type Collaborators } from '../access/authentication.ts'
import type { CurrentAuthentication } from '../access/current-authentication.ts'
import type { LoginCookie } from '../access/login-cookie.ts'
import type { LogoutMark } from '../access/logout-mark.ts'
import { leAuthError, LoginRefused, type LeAuthError } from '../errors.ts'
import { hasResponded, watchResponse } from '../http/watch-response.ts'
import type { Login } from '../logins/login.ts'
import type { Logins } from '../logins/logins.ts'
import type { LoginHook } from '../options/options.ts'
import type { ExchangedCode } from '../sentinel/exchange-code.ts'
import type { AppSessions, NewSession } from '../session/app-sessions.ts'
import type { Refusals } from './refusals.ts'

interface LoginCreatorParts {
  logins: Logins
  sessions: AppSessions
  cookie: LoginCookie
  mark: LogoutMark
  current: CurrentAuthentication
  collaborators: Collaborators
  refusals: Refusals
  onLogin: LoginHook | undefined
}

/** What a callback has brought. */
export interface LoginFromCallback extends ExchangedCode {
  accountId: string
  /** Where the browser goes next. */
  returnPath: string
}

/** Makes the logins that callbacks bring. A failure leaves everything as it was. */
export class LoginCreator {
  readonly #with: LoginCreatorParts

  constructor(parts: LoginCreatorParts) {
    this.#with = parts
  }

  /**
   * Makes the login and its session, runs `onLogin`, and only then makes the login valid.
   *
   * @throws LE_AUTH_LOGIN_REFUSED, LE_AUTH_LOGIN_HOOK_FAILED, LE_AUTH_STORE_UNAVAILABLE,
   * LE_AUTH_SETUP_INVALID
   */
  async create(
    request: FastifyRequest,
    reply: FastifyReply,
    from: LoginFromCallback
  ): Promise<Login> {
    const {
      logins,
      cookie,
      current,
      mark,
      refusals,
      collaborators: { ends, tokens }
    } = this.#with
    const before = current.of(request)
    const loginBefore = before && Authentication.loginOf(before)
    const { id, login } = await logins.create(from.user, from.accountId, from.tokens)
    const session = await this.#beginSession(request, login, loginBefore)
    try {
      await this.#runOnLogin(request, reply, login, session, from.returnPath)
      await session.save()
      await logins.commit(login)
      await session.destroyPrevious()
      if (loginBefore !== null) await ends.end(loginBefore, 'replaced')
    } catch (error) {
      if (error instanceof LoginRefused) {
        refusals.note(request, reply, login, tokens.open(login)!.refreshToken)
      }
      session.undo()
      current.set(request, before)
      // The first error is the one to report.
      await Promise.allSettled([session.destroy(), ends.end(login, 'replaced')])
      throw error
    }
    cookie.set(reply, id)
    mark.clear(request, reply)
    refusals.forget(request, reply)
    return login
  }

  async #beginSession(
    request: FastifyRequest,
    login: Login,
    before: Login | null
  ): Promise<NewSession> {
    const { sessions, collaborators } = this.#with
    try {
      return sessions.begin(request, login, before)
    } catch (error) {
      // The first error is the one to report.
      await Promise.allSettled([collaborators.ends.end(login, 'replaced')])
      throw error
    }
  }

  /**
   * While `onLogin` runs, `request.leAuth` is already the new user, and `request.session` is the
   * new session.
   */
  async #runOnLogin(
    request: FastifyRequest,
    reply: FastifyReply,
    login: Login,
    session: NewSession,
    returnPath: string
  ): Promise<void> {
    const { current, collaborators, onLogin } = this.#with
    let isPending = true
    // A response that is sent meanwhile must not store the session of a login that may fail.
    watchResponse(reply, () => {
      if (isPending) session.undo()
    })
    current.set(request, new Authentication(login, request, reply, collaborators))
    const { user, accountId } = login.facts
    try {
      const admitted = await onLogin?.({ user, accountId, returnPath }, request, reply)
      if (admitted === false) throw new LoginRefused()
    } catch (error) {
      throw error instanceof LoginRefused ? error : hookFailure(error, request)
    } finally {
      isPending = false
    }
    // The browser has another response, from the hook or a timeout, and would not get the cookie.
    if (hasResponded(reply)) throw leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { reason: 'responded' })
    if (login.hasEnded) throw leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { reason: 'logged_out' })
  }
}

/** The error of the app's `onLogin` goes to the app's log and hooks, never to the visitor. */
function hookFailure(error: unknown, request: FastifyRequest): LeAuthError {
  request.log.error({ err: error }, 'onLogin failed')
  return leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { reason: 'threw', cause: error })
}
