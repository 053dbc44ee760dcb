import type { FastifyReply } from 'fastify'

const answered = new WeakSet<FastifyReply>()

/**
 * Lets {@link isAnswered} know of an answer as soon as somebody gives it: `reply.sent` tells that only when the answer has left,
 * and a hook only when those before it are through.
 *
 * @param before what to do before it is given
 */
export function noteAnswers (reply: FastifyReply, before: () => void = () => {}): void {
  const send = reply.send
  reply.send = (...payload: Parameters<typeof send>): FastifyReply => {
    before()
    answered.add(reply)
    return send.apply(reply, payload)
  }
}

/** Whether somebody has answered already: a hook of the app's, or a timeout. */
export function isAnswered (reply: FastifyReply): boolean {
  return reply.sent || answered.has(reply)
}
