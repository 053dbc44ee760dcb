import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { leAuthError, type LeAuthError } from '../errors.js'

/**
 * `app.requireAuth` for routes that are defined before the plugin has loaded, as without top-level `await`: the decorator
 * would be `undefined` there, and Fastify takes that as no hook at all.
 */
export function requireAuth (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  if (!isRegistered(request)) return done(notRegistered())
  request.server.requireAuth(request, reply, done)
}

/** `app.requireAdmin` for routes that are defined before the plugin has loaded; see {@link requireAuth}. */
export function requireAdmin (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  if (!isRegistered(request)) return done(notRegistered())
  request.server.requireAdmin(request, reply, done)
}

function isRegistered ({ server }: FastifyRequest): boolean {
  return server.hasDecorator('requireAuth')
}

function notRegistered (): LeAuthError {
  return leAuthError('LE_AUTH_NOT_REGISTERED')
}
