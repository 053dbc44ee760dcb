import { connect } from 'node:net'

/** A request of which the first half has been sent. */
export interface HalfRequest {
  /** Sends the rest. @returns the status of the answer */
  finish: () => Promise<number>
}

/** Sends the head of a POST and half of its body, and no more until the test says so. */
export function sendHalf (server: string, path: string, cookie: string): HalfRequest {
  const { hostname, port } = new URL(server)
  const socket = connect(Number(port), hostname)
  let text = ''
  const answered = new Promise<number>((resolve, reject) => {
    socket.on('data', data => { text += data })
    socket.on('error', reject)
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)))
  })
  const head = [`POST ${path} HTTP/1.1`, 'Host: localhost:3000', `Cookie: ${cookie}`, 'Accept: application/json', 'Sec-Fetch-Mode: cors', 'Content-Type: application/json', 'Content-Length: 8', 'Connection: close']
  socket.write(`${head.join('\r\n')}\r\n\r\n{"a"`)
  return { finish () { socket.write(':12}'); return answered } }
}
