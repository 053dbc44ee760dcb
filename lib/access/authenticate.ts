import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { logEnd, type LoginEnds } from '../logins/ends.ts'
import type { Login } from '../logins/login.ts'
import type { Logins } from '../logins/logins.ts'
import type { AppSessions, LoadFailure } from '../session/app-sessions.ts'
import { Authentication, type Collaborators } from './authentication.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import type { ErrorResponses } from './error-responses.ts'
import type { LoginCookie } from './login-cookie.ts'

interface AuthenticatorParts {
  cookie: LoginCookie
  logins: Logins
  ends: LoginEnds
  current: CurrentAuthentication
  sessions: AppSessions
  responses: ErrorResponses
  collaborators: Collaborators
}

/**
 * Finds out who is logged in, for each request, and loads the session that belongs to the login.
 */
export class Authenticator {
  readonly #with: AuthenticatorParts

  constructor(parts: AuthenticatorParts) {
    this.#with = parts
  }

  /** The onRequest hook. */
  readonly authenticate = (
    request: FastifyRequest,
    reply: FastifyReply,
    done: HookHandlerDoneFunction
  ): void => {
    const { cookie, current, logins, sessions, collaborators } = this.#with
    const id = cookie.idOf(request)
    if (id === null) return sessions.load(request, reply, null, done, this.#fail)
    logins.find(id, (error, login) => {
      if (error !== null) return this.#fail(error, request, reply, done)
      if (login === null || this.#isOver(login, request)) {
        return sessions.load(request, reply, null, done, this.#fail)
      }
      const noted = logins.noteActivity(login)
      current.set(request, new Authentication(login, request, reply, collaborators))
      if (noted === null || collaborators.backgroundWork) {
        return sessions.load(request, reply, login, done, this.#fail)
      }
      noted.then(() => sessions.load(request, reply, login, done, this.#fail))
    })
  }

  /** Nothing runs after it, unless an error handler of the app gets the error. */
  readonly #fail: LoadFailure = (error, request, reply, done) => {
    this.#with.responses.respond(error, request, reply).catch(done)
  }

  #isOver(login: Login, request: FastifyRequest): boolean {
    const reason = login.over(this.#with.collaborators.clock.now())
    if (reason === null || login.hasEnded) return reason !== null
    this.#with.ends.endInBackground(login, reason)
    logEnd(request.log, login, reason)
    return true
  }
}
