import type { FastifyInstance } from 'fastify'
import { isLoopbackHost } from '../http/loopback.ts'

/**
 * Responds 403 to requests from other machines. Only the socket's own address counts, not a proxy
 * header. Do not run the emulator behind a proxy on this machine: every request then looks local.
 */
export function refuseOtherMachines(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isLoopbackHost(hostnameOf(request.raw.socket.remoteAddress))) return
    return await reply
      .code(403)
      .type('text/plain;charset=utf-8')
      .send(
        'The Sentinel emulator responds only to requests from its own machine, because ' +
          'its passwords are public. Start it on the machine that uses it.\n'
      )
  })
}

/** A socket's address in the form of `URL.hostname`. An IPv4-mapped address becomes IPv4. */
function hostnameOf(address = ''): string {
  const short = address.replace(/^::ffff:/, '')
  return short.includes(':') ? `[${short}]` : short
}
