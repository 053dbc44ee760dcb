import { Readable } from 'node:stream'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'

/** What the emulator's routes answer with, ready to be sent. */
export type Body = string | Buffer | null | undefined

/** The body after the test's own function has seen it. */
export async function changedBody (body: Body, change: (answer: any) => unknown): Promise<string | Buffer> {
  const changed = await change(parsed(String(body ?? '')))
  return typeof changed === 'string' || Buffer.isBuffer(changed) ? changed : JSON.stringify(changed)
}

/** A body that arrives byte by byte. */
export function dripping (body: Body, msPerByte: number, reply: FastifyReply): Readable {
  const bytes = Buffer.from(body ?? '')
  reply.header('content-length', bytes.length)
  return Readable.from((async function * () {
    for (const byte of bytes) {
      await sleep(msPerByte, undefined, { ref: false })
      yield Buffer.of(byte)
    }
  })())
}

/** A body that promises more than the half it sends, and ends with the connection. */
export function cutInHalf (body: Body, reply: FastifyReply): Readable {
  const bytes = Buffer.from(body ?? '')
  // An empty body cannot be halved: then the one byte that is promised never comes.
  reply.header('content-length', Math.max(bytes.length, 1))
  return Readable.from((async function * () {
    yield bytes.subarray(0, bytes.length / 2)
    // The first half leaves the socket before the connection is torn down.
    await nextTurn()
    reply.raw.destroy()
  })())
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: a page, a redirect, or nothing.
    return text
  }
}
