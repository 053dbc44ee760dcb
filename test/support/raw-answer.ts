/** An answer as it came over a socket. */
export interface RawAnswer {
  /** 0 where the server has closed the connection without a word. */
  status: number
  location: string | undefined
  setCookies: string[]
  head: string
  text: string
  /** How many answers there were to the one request. */
  answers: number
}

interface RawRequest {
  /** The first line, without its end. */
  line: string
  headers?: string[]
  body?: string
}

/**
 * Sends one request byte by byte as it is written here, each character a byte, with a Host header unless there is one.
 *
 * @param send puts text on a socket, and returns all that comes back
 */
export async function rawRequest (send: (text: string) => Promise<string>, { line, headers = [], body }: RawRequest): Promise<RawAnswer> {
  const host = headers.some(header => /^host:/i.test(header)) ? [] : ['Host: localhost:3000']
  const length = body === undefined ? [] : ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`]
  return parsed(await send([line, ...host, ...headers, ...length, 'Connection: close', '', body ?? ''].join('\r\n')))
}

function parsed (answer: string): RawAnswer {
  const end = answer.indexOf('\r\n\r\n')
  const head = end === -1 ? answer : answer.slice(0, end)
  const valuesOf = (name: string): string[] => head.split('\r\n').flatMap(line =>
    line.toLowerCase().startsWith(`${name}:`) ? [line.slice(name.length + 1).trim()] : [])
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    location: valuesOf('location')[0],
    setCookies: valuesOf('set-cookie'),
    head,
    text: end === -1 ? '' : answer.slice(end + 4),
    answers: answer.split(/^HTTP\/1\.1 /m).length - 1
  }
}
