import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'

const answered = new WeakSet<FastifyRequest>()

/** Notes that a request of the plugin's own routes is being answered: `reply.sent` tells it only when the answer has left. An onSend hook. */
export function noteAnswer (request: FastifyRequest, _reply: FastifyReply, _payload: unknown, done: HookHandlerDoneFunction): void {
  if (request.routeOptions.config.leAuthRoute === true) answered.add(request)
  done()
}

/** Whether somebody has answered already: a hook of the app's, or a timeout. */
export function isAnswered (request: FastifyRequest, reply: FastifyReply): boolean {
  return reply.sent || answered.has(request)
}
