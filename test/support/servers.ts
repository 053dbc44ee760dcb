import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createRawServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'
import { request as send } from 'undici'

/** A request as a server received it. */
export interface Received {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** A server of 127.0.0.1, and what reached it. */
export interface TestServer {
  url: string
  host: string
  requests: Received[]
}

/** A server that notes each request before it answers it, and ends with the test. */
export async function startServer (t: Test, answer: (request: Received, response: ServerResponse) => void): Promise<TestServer> {
  const requests: Received[] = []
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const received = { method: request.method!, url: request.url!, headers: request.headers, body: Buffer.concat(chunks).toString() }
      requests.push(received)
      answer(received, response)
    })
  })
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return { ...await listening(server), requests }
}

/** A server that answers every request with the same bytes, HTTP or not, and closes the connection. */
export async function startRawServer (t: Test, answer: string | Buffer): Promise<{ host: string, url: string, requests: string[] }> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  const server = createRawServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', data => { requests.push(String(data)); socket.end(answer) })
  })
  t.teardown(() => { for (const socket of sockets) socket.destroy(); server.close() })
  return { ...await listening(server), requests }
}

/** A proxy that passes on what is below a prefix, without the prefix, and says that it was asked over https. */
export async function startStrippingProxy (t: Test, prefix: string, target: string): Promise<string> {
  const server = await startServer(t, (request, response) => {
    if (!request.url.startsWith(`${prefix}/`)) { response.writeHead(404).end('not below the prefix'); return }
    const body = request.body === '' ? {} : { body: request.body }
    send(target + request.url.slice(prefix.length), { method: request.method, headers: forwarded(request), ...body })
      .then(async answer => {
        for (const [name, value] of Object.entries(answer.headers)) {
          if (value !== undefined && !['connection', 'transfer-encoding', 'keep-alive'].includes(name)) response.setHeader(name, value)
        }
        response.writeHead(answer.statusCode).end(await answer.body.text())
      })
      .catch(error => response.writeHead(502).end(String(error)))
  })
  return server.url
}

function forwarded ({ headers }: Received): Record<string, string> {
  const { connection, 'content-length': length, host, ...rest } = headers
  return { ...rest as Record<string, string>, 'x-forwarded-proto': 'https', 'x-forwarded-host': String(host) }
}

async function listening (server: Server): Promise<{ url: string, host: string }> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: `http://${host}`, host }
}
