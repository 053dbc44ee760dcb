import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Login } from '../logins/login.js'
import type { Logins } from '../logins/logins.js'
import type { AppSessions } from '../session/app-sessions.js'
import { whoseOf } from '../tokens/refresh-log.js'
import { Authentication, type Collaborators } from './authentication.js'
import type { CurrentAuthentication } from './current.js'
import type { LoginCookie } from './login-cookie.js'

interface Parts {
  cookie: LoginCookie
  logins: Logins
  current: CurrentAuthentication
  sessions: AppSessions
  collaborators: Collaborators
}

/** The hook that finds out who is logged in, and gives the request the session that belongs to the login. */
export function createAuthenticate ({ cookie, logins, current, sessions, collaborators }: Parts) {
  const { clock: { now } } = collaborators

  function authenticate (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const id = cookie.idOf(request)
    if (id === null) return sessions.load(request, null, done)
    logins.find(id, (error, login) => {
      if (error !== null) return done(error)
      if (login === null || isOver(login, request)) return sessions.load(request, null, done)
      logins.noteActivity(login)
      current.set(request, new Authentication(login, request, reply, collaborators))
      sessions.load(request, login, done)
    })
  }

  function isOver (login: Login, request: FastifyRequest): boolean {
    const reason = login.over(now())
    if (reason === null || login.hasEnded) return reason !== null
    logins.expire(login, reason)
    request.log.info({ leAuth: { event: 'session_ended', ...whoseOf(login), reason } }, 'login has ended')
    return true
  }

  return authenticate
}
