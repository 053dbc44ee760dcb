import type { FastifyReply } from 'fastify'

/**
 * Settles when the response is sent. Fastify's own promise of a reply also settles if the client
 * hangs up while an `onSend` hook runs, and the request would go on to its handler. This promise
 * never settles then.
 */
export function whenSent(reply: FastifyReply): Promise<void> {
  return new Promise(resolve => {
    reply.then(
      () => {
        if (reply.raw.headersSent) resolve()
      },
      () => {}
    )
  })
}
