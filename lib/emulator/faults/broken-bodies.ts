import { Readable } from 'node:stream'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import type { Change } from './faults.ts'

/** A response body of the emulator's routes, after serialization. */
export type Body = string | Buffer | null | undefined

/** The body that a {@link Change} makes of the emulator's own. */
export async function changedBody(body: Body, { change }: Change): Promise<string | Buffer> {
  const changed = await change(parsed(String(body ?? '')))
  if (typeof changed === 'string' || Buffer.isBuffer(changed)) return changed
  return JSON.stringify(changed)
}

/** A body that arrives byte by byte, with a pause in ms before each. */
export function dripping(body: Body, msPerByte: number, reply: FastifyReply): Readable {
  const bytes = Buffer.from(body ?? '')
  reply.header('content-length', bytes.length)
  return Readable.from(
    (async function* () {
      for (const byte of bytes) {
        await sleep(msPerByte, undefined, { ref: false })
        yield Buffer.of(byte)
      }
    })()
  )
}

/** A body that stops after its first half. Then the connection is closed. */
export function cutInHalf(body: Body, reply: FastifyReply): Readable {
  const bytes = Buffer.from(body ?? '')
  // An empty body has no half: announce one byte, and never send it.
  reply.header('content-length', Math.max(bytes.length, 1))
  return Readable.from(
    (async function* () {
      yield bytes.subarray(0, bytes.length / 2)
      // Let the first half leave the socket before the connection is destroyed.
      await nextTurn()
      reply.raw.destroy()
    })()
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
