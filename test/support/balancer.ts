import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** Starts a server that passes each request on to the next of the others, and ends it with the test. */
export async function startBalancer (t: Test, servers: () => string[]): Promise<string> {
  let count = 0
  const balancer = createServer((request, response) => {
    const living = servers()
    forward(request, response, living[count++ % living.length]!)
  })
  // A connection that is closed for having been idle would reset the request that comes at that moment.
  balancer.keepAliveTimeout = 120_000
  t.teardown(() => { balancer.closeAllConnections(); balancer.close() })
  await new Promise<void>(resolve => balancer.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`
}

function forward (request: IncomingMessage, response: ServerResponse, server: string): void {
  const onward = send(server + request.url, { method: request.method!, headers: request.headers }, answer => {
    response.writeHead(answer.statusCode!, answer.rawHeaders)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  request.pipe(onward)
}
