import { connect } from 'node:net'
import type { Browser } from './browser.ts'

/** A response as it came over a socket. */
export interface RawResponse {
  /** 0 if the server closed the connection without a response. */
  status: number
  location: string | undefined
  setCookies: string[]
  /** The status line and the headers. */
  head: string
  /** All of it, head and body. */
  text: string
  /** How many responses there were to the one request. */
  responses: number
}

interface RawRequest {
  method?: string
  /** The browser whose cookies go along. */
  browser?: Browser
  /** By name, or as lines if one name comes twice. */
  headers?: Record<string, string> | string[]
  body?: string
  /** A form, as text; sets its content type. */
  form?: string
}

/** Where a raw request goes: the server that listens, and the public origin for the Host header. */
interface Target {
  server: string
  origin: string
}

/**
 * Sends one request exactly as it is written here, one byte per character; an HTTP client would
 * tidy it first. Adds Host, Content-Length and Connection if they are missing.
 */
export async function rawRequest(
  { server, origin }: Target,
  target: string,
  { method = 'GET', browser, headers = {}, body, form }: RawRequest = {}
): Promise<RawResponse> {
  const named = Array.isArray(headers) ? [] : Object.entries(headers)
  const own = Array.isArray(headers) ? headers : named.map(([name, value]) => `${name}: ${value}`)
  const cookie = (await browser?.jar.getCookieString(origin)) ?? ''
  const content = form ?? body
  const added = [
    `Host: ${new URL(origin).host}`,
    'Connection: close',
    ...(cookie !== '' ? [`Cookie: ${cookie}`] : []),
    ...(form !== undefined ? ['Content-Type: application/x-www-form-urlencoded'] : []),
    ...(content !== undefined ? [`Content-Length: ${content.length}`] : [])
  ].filter(line => !own.some(other => nameOf(other) === nameOf(line)))
  const lines = [`${method} ${target} HTTP/1.1`, ...added, ...own, '', content ?? '']
  return parsed(await rawExchange(server, lines.join('\r\n')))
}

/**
 * Sends text as it is, one byte per character, and returns what comes back until the server is
 * silent.
 */
export function rawExchange(server: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(server)
    let response = ''
    const end = (): void => {
      socket.destroy()
      resolve(response)
    }
    socket.setTimeout(2000, end)
    socket.on('data', data => {
      response += data
    })
    socket.on('error', reject)
    socket.on('close', end)
    socket.write(text, 'latin1')
  })
}

/** A request of which the first half was sent. */
export interface HalfRequest {
  /** Sends the rest, and returns the status of the response. */
  finish: () => Promise<number>
}

/** Sends the head of a POST and half of its body. */
export function sendHalf(server: string, path: string, cookie: string): HalfRequest {
  const socket = connectTo(server)
  let text = ''
  const responded = new Promise<number>((resolve, reject) => {
    socket.on('data', data => {
      text += data
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(statusOf(text)))
  })
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost:3000',
    `Cookie: ${cookie}`,
    'Accept: application/json',
    'Sec-Fetch-Mode: cors',
    'Content-Type: application/json',
    'Content-Length: 8',
    'Connection: close'
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n{"a"`)
  return {
    finish() {
      socket.write(':12}')
      return responded
    }
  }
}

function connectTo(server: string): ReturnType<typeof connect> {
  const { hostname, port } = new URL(server)
  return connect(Number(port), hostname)
}

function parsed(text: string): RawResponse {
  const head = text.split('\r\n\r\n', 1)[0]!
  const valuesOf = (name: string): string[] =>
    head
      .split('\r\n')
      .flatMap(line => (nameOf(line) === name ? [line.slice(name.length + 1).trim()] : []))
  return {
    status: statusOf(text),
    location: valuesOf('location')[0],
    setCookies: valuesOf('set-cookie'),
    head,
    text,
    responses: text.split(/^HTTP\/1\.1 /m).length - 1
  }
}

function nameOf(line: string): string {
  return line.split(':', 1)[0]!.toLowerCase()
}

function statusOf(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
}
