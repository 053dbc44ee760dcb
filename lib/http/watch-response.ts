import type { FastifyReply } from 'fastify'

const responded = new WeakSet<FastifyReply>()

/**
 * Lets {@link hasResponded} know of a response as soon as anything sends one. `reply.sent` becomes
 * true only when the response has left. A Fastify hook would be too late as well, because other
 * hooks run before it.
 *
 * @param before what to do just before the response is sent
 */
export function watchResponse(reply: FastifyReply, before: () => void = () => {}): void {
  const send = reply.send
  reply.send = (...payload: Parameters<typeof send>): FastifyReply => {
    before()
    responded.add(reply)
    return send.apply(reply, payload)
  }
}

/** Whether something has responded already: a hook of the app's, or a timeout. */
export function hasResponded(reply: FastifyReply): boolean {
  return reply.sent || responded.has(reply)
}
