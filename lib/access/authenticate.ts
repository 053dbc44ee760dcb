import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { LoginSessions } from '../session/login-session.js'
import { Authentication, type Collaborators } from './authentication.js'

/** Finds out who is logged in; a hook, that calls back at once where the store does. */
export type Authenticate = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/**
 * Sets `request.leAuth` on every request of a logged-in user. It is set only where the session names a login that
 * is not over and the token set of that login is still there, so that no late save can bring a login back.
 */
export function createAuthenticate (sessions: LoginSessions, collaborators: Collaborators): Authenticate {
  return function authenticate (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    // Scopes made before the plugin was registered know the hook, but not the decorator's first value.
    request.leAuth = null
    const login = sessions.find(request)
    if (login === null) return done()
    collaborators.tokenSets.read(request.sessionStore, login.tokenSetId, (error, record) => {
      if (error !== null) return done(error)
      if (record !== null) {
        request.leAuth = new Authentication(login, record, request, reply, collaborators)
        sessions.noteActivity(request, login)
      }
      done()
    })
  }
}
