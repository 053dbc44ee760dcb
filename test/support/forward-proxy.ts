import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { forward, listening } from './servers.ts'

/** A proxy for outgoing calls, as companies have them. */
export interface ForwardProxy {
  url: string
  /** Where it was asked to connect or to send a request to: `host:port`, oldest first. */
  targets: () => string[]
}

/** Starts a proxy for CONNECT and for plain http (RFC 9110 §9.3.6), and ends it with the test. */
export async function startForwardProxy(t: Test): Promise<ForwardProxy> {
  const targets: string[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
  }
  const server = createServer((request, response) => {
    targets.push(new URL(request.url!).host)
    forward(request, response, request.url!)
  })
  server.on('connect', (request, socket: Socket) => {
    targets.push(request.url!)
    keep(socket)
    const { hostname, port } = new URL(`http://${request.url}`)
    if (!hostname.startsWith('127.')) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
      return
    }
    const onward = connect(Number(port || 80), hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    keep(onward)
    onward.on('error', () => socket.destroy())
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  return { ...(await listening(server)), targets: () => targets }
}
