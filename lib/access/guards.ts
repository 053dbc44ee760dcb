import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'

/**
 * `app.requireAuth` for routes that are defined before the plugin has loaded, as without top-level `await`: the decorator
 * would be `undefined` there, and Fastify takes that as no hook at all.
 */
export function requireAuth (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  request.server.requireAuth(request, reply, done)
}

/** `app.requireAdmin` for routes that are defined before the plugin has loaded; see {@link requireAuth}. */
export function requireAdmin (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  request.server.requireAdmin(request, reply, done)
}
