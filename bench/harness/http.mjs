import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasEnded } from './processes.mjs'

/** Sends a request on a new connection. */
export function get(url, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers, agent: false, timeout: 10_000 }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode, body })).on('error', reject)
    })
    request
      .on('timeout', () => request.destroy(new Error(`${url} does not respond`)))
      .on('error', reject)
  })
}

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Waits until a new process is ready. @throws if it ends, or takes too long */
export async function untilReady(child, isReady, withinMs = 15_000) {
  const end = performance.now() + withinMs
  while (performance.now() < end) {
    if (await isReady().catch(() => false)) return
    if (hasEnded(child)) throw new Error(`a server ended while it started: ${child.errors}`)
    await sleep(1)
  }
  throw new Error(`a server does not respond: ${child.errors}`)
}

export async function responds(url) {
  const { status } = await get(url)
  return status === 200
}

/** Whether a server accepts connections on a port. */
export async function acceptsConnections(port) {
  const socket = net.connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}
