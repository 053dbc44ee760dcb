import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { constants, gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import type { SentinelEmulator } from '../../lib/emulator/index.js'

/** What the plugin asks for by itself, at the Domain API and at Sentinel. */
export type Asked = 'domain' | 'token' | 'revoke' | 'other'

/**
 * What becomes of a request instead of being passed on: it may write to the connection what it likes, or answer politely
 * where the connection is to be used again.
 */
export type Fault = (wire: Socket, body: string, response: ServerResponse) => void

/** A proxy in front of the emulator that plays the Domain API and Sentinel, in all weathers. */
export interface FaultProxy {
  /** For the plugin's option `domainApi`; look-ups answer the proxy's own host, so that all else goes through it too. */
  url: string
  /** Stands before this emulator from now on, in fair weather. */
  standBefore: (sentinel: SentinelEmulator) => void
  /** Lets a fault strike all requests for something, or none any more. */
  strike: (asked: Asked, fault: Fault | null) => void
  /** How many requests arrived for something since it stands where it does. */
  calls: (asked: Asked) => number
  /** How many connections are open to it. */
  open: () => number
  /** How many bytes the struck connections took. */
  sent: () => number
}

/** Starts a proxy that ends with the test. */
export async function startFaultProxy (t: Test): Promise<FaultProxy> {
  const wires = new Set<Socket>()
  const struck = new Set<Socket>()
  const faults = new Map<Asked, Fault>()
  const arrived: Asked[] = []
  let target: SentinelEmulator | undefined
  let host = ''

  const server = createServer((request, response) => {
    const asked = askedFor(request.url!)
    arrived.push(asked)
    const fault = faults.get(asked)
    if (fault !== undefined) {
      struck.add(request.socket)
      bodyOf(request).then(body => fault(request.socket, body, response), () => {})
      return
    }
    const onward = send(target!.url + request.url, { method: request.method!, headers: { ...request.headers, host: target!.host } }, answer => {
      if (asked !== 'domain') { answer.pipe(response.writeHead(answer.statusCode!, answer.rawHeaders)); return }
      bodyOf(answer).then(body => response.writeHead(answer.statusCode!, { 'content-type': 'application/json' }).end(body.replaceAll(target!.host, host)), () => response.destroy())
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.on('connection', wire => {
    wires.add(wire)
    wire.on('error', () => {})
    wire.once('close', () => wires.delete(wire))
  })
  t.teardown(() => { server.closeAllConnections(); for (const wire of wires) wire.destroy(); server.close() })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url: `http://${host}`,
    standBefore (sentinel) {
      target = sentinel
      faults.clear()
      struck.clear()
      arrived.length = 0
    },
    strike (asked, fault) {
      if (fault === null) faults.delete(asked)
      else faults.set(asked, fault)
    },
    calls: asked => arrived.filter(one => one === asked).length,
    open: () => wires.size,
    sent: () => [...struck].reduce((sum, wire) => sum + wire.bytesWritten - wire.writableLength, 0)
  }
}

function askedFor (url: string): Asked {
  const path = url.split('?', 1)[0]!
  if (path.endsWith('/baseURI.json')) return 'domain'
  if (path.endsWith('/token')) return 'token'
  return path.endsWith('/token/revoke') ? 'revoke' : 'other'
}

async function bodyOf (message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const JSON_TYPE = 'content-type: application/json'

/** The request is taken, and nothing comes back. */
export const silent: Fault = () => {}

/** The connection ends when some bytes have gone out. */
export const cutOff = (text = ''): Fault => wire => { wire.end(text, () => wire.destroy()) }

/** An answer that leaves the connection open for more. */
export const polite = (status: number, body: string, headers: Record<string, string> = {}): Fault => (_wire, _body, response) => { response.writeHead(status, headers).end(body) }

/** Bytes as they are, HTTP or not; the connection stays open. */
export const bytes = (text: string | Buffer): Fault => wire => { wire.write(text, 'latin1') }

/** A whole answer. */
export function answer (status: number, body: string | Buffer = '', headers: string[] = [JSON_TYPE]): Fault {
  return wire => {
    wire.write([`HTTP/1.1 ${status} So`, `content-length: ${Buffer.byteLength(body)}`, 'connection: close', ...headers, '', ''].join('\r\n'), 'latin1')
    wire.end(body)
  }
}

/** Some text piece by piece and then, without an end, its last piece again and again. */
export function dripping (pieces: string[], everyMs: number): Fault {
  return wire => {
    let next = 0
    const timer = setInterval(() => { wire.write(pieces[Math.min(next++, pieces.length - 1)]!, 'latin1') }, everyMs)
    wire.once('close', () => clearInterval(timer))
  }
}

/** An answer of so many bytes, as fast as it is read; its length is told, or not. */
export function huge (size: number, { told = false } = {}): Fault {
  const chunk = Buffer.alloc(64 * 1024, ' ')
  return wire => {
    const length = told ? `content-length: ${size}` : 'connection: close'
    wire.write(`HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\n${length}\r\n\r\n`)
    let left = size
    const pour = (): void => {
      while (left > 0 && !wire.destroyed) {
        left -= chunk.length
        if (!wire.write(chunk)) return
      }
      wire.end()
    }
    wire.on('drain', pour)
    pour()
  }
}

const GZIP_PIECE = 1024 * 1024

/** A few KB at the most for each MB that they become when unpacked: gzip members may follow one another (RFC 1952 §2.2). */
export function gzipBomb (size: number): Buffer {
  const piece = gzipSync(Buffer.alloc(Math.min(size, GZIP_PIECE), ' '), { level: constants.Z_BEST_COMPRESSION })
  return Buffer.concat(Array.from({ length: Math.ceil(size / GZIP_PIECE) }, () => piece))
}
