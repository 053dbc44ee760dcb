import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isLoopbackHost } from '../http/loopback.ts'

const OTHER_MACHINE =
  'The Sentinel emulator responds only to requests from its own machine, because its passwords ' +
  'are public. Start it on the machine that uses it. In a container, see its option inContainer.\n'
const OTHER_HOST =
  'The Sentinel emulator responds only if it is addressed as localhost, 127.0.0.1 or [::1], ' +
  'because its passwords are public.\n'

/**
 * Responds 403 to other machines. Only the socket's own address counts, not a proxy header. Do not
 * run the emulator behind a proxy on this machine: every request then looks local.
 */
export function refuseOtherMachines(app: FastifyInstance): void {
  refuse(app, OTHER_MACHINE, ({ raw }) => isLoopbackHost(hostnameOf(raw.socket.remoteAddress)))
}

/**
 * Responds 403 if the browser was led here under another name: a page of any site could read the
 * responses then (DNS rebinding).
 */
export function refuseOtherHosts(app: FastifyInstance): void {
  refuse(app, OTHER_HOST, ({ raw }) => isLoopbackHost(nameIn(raw.headers.host)))
}

function refuse(
  app: FastifyInstance,
  text: string,
  isAllowed: (request: FastifyRequest) => boolean
): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isAllowed(request)) return
    return await reply.code(403).type('text/plain;charset=utf-8').send(text)
  })
}

/** A socket's address in the form of `URL.hostname`. An IPv4-mapped address becomes IPv4. */
function hostnameOf(address = ''): string {
  const short = address.replace(/^::ffff:/, '')
  return short.includes(':') ? `[${short}]` : short
}

/** The Host header without its port. */
function nameIn(host = ''): string {
  return host.replace(/:\d+$/, '').toLowerCase()
}
