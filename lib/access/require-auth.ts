import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options.js'
import type { LoginSessions } from '../session/login-session.js'
import { returnPath, withReturnTo } from '../return-path.js'
import { Authentication } from './authentication.js'
import { isPageNavigation } from './navigation.js'

type Guard = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** The hooks that protect routes. They never decrypt, never parse a JWT, and wait only for a refresh that is due. */
export function createGuards (options: ResolvedOptions, sessions: LoginSessions): { requireAuth: Guard, requireAdmin: Guard } {
  const loginPath = options.publicPrefix + options.routes.login

  function requireAuth (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    if (request.routeOptions.config.leAuthRoute === true) return done()
    // An answer for one user must not be kept for another; the handler may say otherwise.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'private, no-store')
    // Not only null: where the plugin's hook has not run, nobody is logged in.
    if (!request.leAuth) return refuse(request, reply)
    const refreshed = Authentication.keepFresh(request.leAuth)
    if (refreshed === null) return done()
    refreshed.then(() => done(), (error: LeAuthError) => {
      if (error.code !== 'LE_AUTH_SESSION_ENDED') return done(error)
      request.leAuth = null
      // This request's own note of activity, saved after a logout elsewhere, would bring the session back.
      sessions.forget(request).then(() => refuse(request, reply), done)
    })
  }

  function requireAdmin (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    requireAuth(request, reply, error => {
      const isOwnRoute = request.routeOptions.config.leAuthRoute === true
      if (error === undefined && !isOwnRoute && request.leAuth?.user.isAdmin !== true) return done(leAuthError('LE_AUTH_ADMIN_REQUIRED'))
      done(error)
    })
  }

  function refuse (request: FastifyRequest, reply: FastifyReply): void {
    reply.header('cache-control', 'no-store')
    if (isPageNavigation(request)) {
      const returnTo = returnPath(options.publicPrefix + request.originalUrl, options.origin)
      reply.redirect(withReturnTo(loginPath, returnTo), 302)
      return
    }
    const { code, statusCode, message } = leAuthError('LE_AUTH_LOGIN_REQUIRED')
    reply.code(statusCode).send({ statusCode, code, error: 'Unauthorized', message, loginUrl: loginPath })
  }

  return { requireAuth, requireAdmin }
}
