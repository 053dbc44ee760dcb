import type { Browser } from './browser.js'
import type { Stage } from './stage.js'

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number
  text: string
}

interface RawAsk {
  method?: string
  /** Whose cookies go along. */
  browser?: Browser
  headers?: Record<string, string>
  body?: string
}

/** Asks for just that target, which an HTTP client would tidy first. */
export async function rawRequest (stage: Stage, target: string, { method = 'GET', browser, headers = {}, body = '' }: RawAsk = {}): Promise<RawAnswer> {
  const cookie = await browser?.jar.getCookieString(stage.origin) ?? ''
  const all = {
    Host: new URL(stage.origin).host,
    Connection: 'close',
    ...(cookie !== '' && { Cookie: cookie }),
    ...(body !== '' && { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const text = await stage.raw(`${method} ${target} HTTP/1.1\r\n${lines}\r\n${body}`)
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text }
}
