import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { constants, gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import type { SentinelEmulator } from '../../lib/emulator/index.ts'
import { bodyOf, forward, listening } from './servers.ts'

/** What the plugin itself sends requests for: the Domain API, and Sentinel's endpoints. */
export type Endpoint = 'domain' | 'token' | 'revoke' | 'other'

/**
 * What happens to a request that is not passed on. A fault writes to the connection what it likes,
 * or uses the response if the connection is to be used again.
 */
export type Fault = (wire: Socket, body: string, response: ServerResponse) => void

/** A proxy in front of the emulator that plays the Domain API and Sentinel, with faults. */
export interface FaultProxy {
  /**
   * For the plugin's option `domainApi`: look-ups return the proxy's own host, so that every
   * request comes through it.
   */
  url: string
  /** Stands before this emulator from now on, without faults. */
  standBefore: (sentinel: SentinelEmulator) => void
  /** Lets a fault strike all requests for something, or none any more. */
  strike: (endpoint: Endpoint, fault: Fault | null) => void
  /** How many requests for something have arrived since `standBefore`. */
  calls: (endpoint: Endpoint) => number
  /** How many connections to it are open. */
  open: () => number
  /** How many bytes the struck connections took. */
  sent: () => number
}

/** Starts a proxy that ends with the test. */
export async function startFaultProxy(t: Test): Promise<FaultProxy> {
  const wires = new Set<Socket>()
  const struck = new Set<Socket>()
  const faults = new Map<Endpoint, Fault>()
  const arrived: Endpoint[] = []
  let target: SentinelEmulator | undefined

  const server = createServer((request, response) => {
    const endpoint = endpointOf(request.url!)
    arrived.push(endpoint)
    const fault = faults.get(endpoint)
    if (fault === undefined) return passOn(endpoint, request, response, target!, host)
    struck.add(request.socket)
    bodyOf(request).then(
      body => fault(request.socket, body, response),
      () => {}
    )
  })
  noteWires(t, server, wires)
  const { url, host } = await listening(server)

  return {
    url,
    standBefore(sentinel) {
      target = sentinel
      faults.clear()
      struck.clear()
      arrived.length = 0
    },
    strike(endpoint, fault) {
      if (fault === null) faults.delete(endpoint)
      else faults.set(endpoint, fault)
    },
    calls: endpoint => arrived.filter(one => one === endpoint).length,
    open: () => wires.size,
    sent: () => [...struck].reduce((sum, wire) => sum + wire.bytesWritten - wire.writableLength, 0)
  }
}

function noteWires(t: Test, server: Server, wires: Set<Socket>): void {
  server.on('connection', wire => {
    wires.add(wire)
    wire.on('error', () => {})
    wire.once('close', () => wires.delete(wire))
  })
  t.teardown(() => {
    server.closeAllConnections()
    for (const wire of wires) wire.destroy()
    server.close()
  })
}

function endpointOf(url: string): Endpoint {
  const path = url.split('?', 1)[0]!
  if (path.endsWith('/baseURI.json')) return 'domain'
  if (path.endsWith('/token')) return 'token'
  return path.endsWith('/token/revoke') ? 'revoke' : 'other'
}

/** Passes a request on. A look-up comes back with the proxy's host in place of the emulator's. */
function passOn(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  target: SentinelEmulator,
  host: string
): void {
  const url = target.url + request.url
  if (endpoint !== 'domain') return forward(request, response, url, { host: target.host })
  forward(request, response, url, { host: target.host }, from => {
    bodyOf(from).then(
      body => {
        response.writeHead(from.statusCode!, { 'content-type': 'application/json' })
        response.end(body.replaceAll(target.host, host))
      },
      () => response.destroy()
    )
  })
}

const JSON_TYPE = 'content-type: application/json'

/** Takes the request, and sends nothing. */
export const silent: Fault = () => {}

/** Ends the connection after some bytes. */
export const cutOff =
  (text = ''): Fault =>
  wire => {
    wire.end(text, () => wire.destroy())
  }

/** Sends a response, and leaves the connection open for more. */
export function polite(status: number, body: string, headers: Record<string, string> = {}): Fault {
  return (_wire, _body, response) => {
    response.writeHead(status, headers).end(body)
  }
}

/** Sends bytes as they are, HTTP or not, and leaves the connection open. */
export const bytes =
  (text: string | Buffer): Fault =>
  wire => {
    wire.write(text, 'latin1')
  }

/** Sends a whole response, and closes the connection. */
export function respond(
  status: number,
  body: string | Buffer = '',
  headers: string[] = [JSON_TYPE]
): Fault {
  return wire => {
    const length = `content-length: ${Buffer.byteLength(body)}`
    const head = [`HTTP/1.1 ${status} So`, length, 'connection: close', ...headers, '', '']
    wire.write(head.join('\r\n'), 'latin1')
    wire.end(body)
  }
}

/** Sends text piece by piece, and then its last piece for ever. */
export function dripping(pieces: string[], everyMs: number): Fault {
  return wire => {
    let next = 0
    const last = pieces.length - 1
    const timer = setInterval(() => {
      wire.write(pieces[Math.min(next++, last)]!, 'latin1')
    }, everyMs)
    wire.once('close', () => clearInterval(timer))
  }
}

/**
 * Sends a response of a given size as fast as it is read, with or without its length in a header.
 */
export function huge(size: number, { told = false } = {}): Fault {
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

/**
 * Gzip that unpacks to a given size, a few KB at most for each MB: members may follow one another
 * (RFC 1952 §2.2).
 */
export function gzipBomb(size: number): Buffer {
  const spaces = Buffer.alloc(Math.min(size, GZIP_PIECE), ' ')
  const piece = gzipSync(spaces, { level: constants.Z_BEST_COMPRESSION })
  return Buffer.concat(Array.from({ length: Math.ceil(size / GZIP_PIECE) }, () => piece))
}
