import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteOptions
} from 'fastify'

const HAS_ERROR_HANDLER = Symbol('route with an error handler of its own')

/** Fastify binds what an app gives it, so no error handler of an app has this very name. */
const FASTIFYS_OWN = 'defaultErrorHandler'

/** What Fastify calls its mark that a reply is about to send an error. It has no public name. */
const ERROR_MARK = 'fastify.reply.isError'

/** An onRoute hook. At a request, Fastify does not say whether its route has an `errorHandler`. */
export function noteErrorHandler(route: RouteOptions): void {
  if (route.errorHandler === undefined) return
  route.config = { ...route.config, [HAS_ERROR_HANDLER]: true } as FastifyContextConfig
}

/** How many error handlers of the app get an error of this request, if each passes it on. */
export function countErrorHandlers({ routeOptions, server }: FastifyRequest): number {
  const ofRoute = Object.hasOwn(Object(routeOptions.config), HAS_ERROR_HANDLER) ? 1 : 0
  return ofRoute + countInScope(server)
}

function countInScope(scope: FastifyInstance): number {
  const { errorHandler } = scope
  if (errorHandler === undefined || errorHandler.name === FASTIFYS_OWN) return 0
  const parent = Object.getPrototypeOf(scope) as FastifyInstance
  return countInScope(parent) + (parent.errorHandler === errorHandler ? 0 : 1)
}

/**
 * Calls `respond` when the last error handler of the app passes the error on. Fastify itself would
 * serialize it by the route's response schema, which may not fit it.
 *
 * @param handlers how many error handlers of the app get the error
 */
export function afterErrorHandlers(
  reply: FastifyReply,
  error: Error,
  handlers: number,
  respond: () => void
): void {
  const send = reply.send
  let sent = 0
  reply.send = (...payload: Parameters<typeof send>): FastifyReply => {
    // Fastify sends the error to the first handler. A handler that throws or sends it passes it on.
    if (payload[0] === error) sent += 1
    if (sent <= handlers) return send.apply(reply, payload)
    reply.send = send
    unmark(reply)
    respond()
    return reply
  }
}

/** If an async handler has thrown the error, Fastify would take the response for another error. */
function unmark(reply: FastifyReply): void {
  const marks = Object.getOwnPropertySymbols(reply).filter(({ description }) => {
    return description === ERROR_MARK
  })
  for (const mark of marks) Object.assign(reply, { [mark]: false })
}
