import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { changedBody, cutInHalf, dripping, type Body } from './broken-bodies.ts'
import type { Fault, Replacement } from './faults.ts'

/**
 * Applies faults to the routes of an app, either before the route's work or to its response.
 * @param faultFor returns the fault for a request that has just arrived; called once a request
 */
export function injectFaults(
  app: FastifyInstance,
  faultFor: (request: FastifyRequest) => Fault | undefined
): void {
  const faults = new WeakMap<FastifyRequest, Fault>()
  const heldOpen = new Set<Socket>()

  app.addHook('preHandler', async (request, reply) => {
    const fault = faultFor(request)
    if (!fault) return
    faults.set(request, fault)
    keepTrack(heldOpen, request, reply)
    return await strikeRequest(fault, request, reply)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const fault = faults.get(request)
    return fault ? await strikeResponse(fault, request, reply, payload as Body) : payload
  })
  // A graceful close would wait for responses that never come.
  app.addHook('preClose', async () => {
    for (const socket of heldOpen) socket.destroy()
  })
}

function keepTrack(heldOpen: Set<Socket>, request: FastifyRequest, reply: FastifyReply): void {
  heldOpen.add(request.raw.socket)
  reply.raw.once('close', () => heldOpen.delete(request.raw.socket))
}

async function strikeRequest(
  fault: Fault,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<unknown> {
  // An unreferenced timer, so that a delay does not keep the process of a finished test alive.
  if ('delayMs' in fault) return await sleep(fault.delayMs, undefined, { ref: false })
  if ('hang' in fault) return reply.hijack()
  if ('cutOff' in fault && fault.cutOff === 'unprocessed') {
    request.raw.socket.destroy()
    return reply.hijack()
  }
  // Sending here skips the route's handler. strikeResponse then fills in the response.
  return 'status' in fault && !fault.processed ? reply.send() : undefined
}

async function strikeResponse(
  fault: Fault,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: Body
): Promise<unknown> {
  if ('status' in fault) return replaceResponse(fault, reply)
  if ('change' in fault) return await changedBody(payload, fault)
  if ('drip' in fault) return dripping(payload, fault.drip, reply)
  if ('cutOff' in fault && fault.cutOff === 'mid-body') return cutInHalf(payload, reply)
  if ('cutOff' in fault) request.raw.socket.destroy()
  return payload
}

function replaceResponse(fault: Replacement, reply: FastifyReply): string | Buffer {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
  reply
    .code(fault.status)
    .headers({ 'content-type': 'application/json;charset=utf-8', ...fault.headers })
  return fault.body ?? ''
}
