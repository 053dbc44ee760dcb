import type { FastifyInstance } from 'fastify'

const LOOPBACK = /^(::ffff:)?127\.|^::1$/

/**
 * Answers 403 to whoever is not on this machine. The socket's own address counts, whatever a proxy header says;
 * behind a proxy on this machine everybody looks local, one reason more not to put the emulator there.
 */
export function refuseStrangers (app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (LOOPBACK.test(String(request.raw.socket.remoteAddress))) return
    return await reply.code(403).type('text/plain;charset=utf-8')
      .send('The Sentinel emulator answers only its own machine: anybody could sign in here.\n')
  })
}
