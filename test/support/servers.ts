import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { Server, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A request as a server received it. */
export interface Received {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** A server of 127.0.0.1, and the requests that reached it. */
export interface TestServer<Request = Received> {
  url: string
  host: string
  requests: Request[]
}

/** Starts a server that notes each request before it responds, and ends it with the test. */
export async function startServer(
  t: Test,
  respond: (request: Received, response: ServerResponse) => void
): Promise<TestServer> {
  const requests: Received[] = []
  const server = createServer((request, response) => {
    bodyOf(request).then(
      body => {
        const { method, url, headers } = request
        const received = { method: method!, url: url!, headers, body }
        requests.push(received)
        respond(received, response)
      },
      () => {}
    )
  })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { ...(await listening(server)), requests }
}

/**
 * Starts a server that sends the same bytes for every request, HTTP or not, and closes the
 * connection.
 */
export async function startRawServer(t: Test, bytes: string | Buffer): Promise<TestServer<string>> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  const server = new Server(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', data => {
      requests.push(String(data))
      socket.end(bytes)
    })
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { ...(await listening(server)), requests }
}

/**
 * Starts a proxy that passes each request on to the next of some servers, ends it with the test,
 * and returns its URL.
 */
export async function startBalancer(t: Test, servers: () => string[]): Promise<string> {
  let count = 0
  return startProxy(t, (request, response) => {
    const living = servers()
    forward(request, response, living[count++ % living.length]! + request.url)
  })
}

/**
 * Starts a proxy that removes a prefix and says that the request came over https, and returns its
 * URL.
 */
export async function startStrippingProxy(
  t: Test,
  prefix: string,
  target: string
): Promise<string> {
  return startProxy(t, (request, response) => {
    const [path, { host }] = [request.url!, request.headers]
    if (path.startsWith(`${prefix}/`)) {
      forward(request, response, target + path.slice(prefix.length), {
        'x-forwarded-proto': 'https',
        'x-forwarded-host': host,
        host: new URL(target).host
      })
    } else response.writeHead(404).end('not below the prefix')
  })
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

async function startProxy(t: Test, proxy: Listener): Promise<string> {
  const server = createServer(proxy)
  // Closing an idle connection would reset a request that comes at that moment.
  server.keepAliveTimeout = 120_000
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (await listening(server)).url
}

/** Passes a request on to a URL, and its response back. */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  url: string,
  headers: IncomingMessage['headers'] = {},
  passBack = (from: IncomingMessage): void => {
    from.pipe(response.writeHead(from.statusCode!, from.rawHeaders))
  }
): void {
  const { method, headers: own } = request
  const onward = send(url, { method: method!, headers: { ...own, ...headers } }, passBack)
  onward.on('error', () => response.destroy())
  request.pipe(onward)
}

/** The body of a request or a response, as text. */
export async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Lets a server listen on a free port of 127.0.0.1, and returns where. */
export async function listening(server: Server): Promise<{ url: string; host: string }> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: `http://${host}`, host }
}

/** A port of 127.0.0.1 on which nothing listens at the moment. */
export async function freePort(): Promise<number> {
  const server = new Server()
  const { url } = await listening(server)
  await new Promise(resolve => server.close(resolve))
  return Number(new URL(url).port)
}
