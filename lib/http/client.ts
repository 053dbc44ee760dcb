import { isUtf8 } from 'node:buffer'
import type { Dispatcher, RequestInit, Response as UndiciResponse } from 'undici'
import type { Clock } from '../clock.js'

/** No answer of Sentinel or the Domain API comes near this; more is a fault or an attack. */
const MAX_BODY_BYTES = 1024 * 1024
/** The connection was never made; a code exchange may be repeated after these only. */
const NEVER_CONNECTED = ['ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']
/** A server that is just restarting is back after that, in ms. */
const RETRY_AFTER = 100

/** Leaves out a byte order mark, as RFC 8259 §8.1 allows. */
const utf8 = new TextDecoder()

/** A call that got no usable HTTP answer. */
export class HttpError extends Error {
  /** `timeout`, `too_large`, `malformed`, or the network's own code such as `ECONNRESET`. */
  readonly reason: string

  constructor (reason: string) {
    super(`no usable HTTP answer: ${reason}`)
    this.name = 'HttpError'
    this.reason = reason
  }

  /** Whether the request cannot have arrived, so that nothing can be done twice. */
  get neverConnected (): boolean {
    return NEVER_CONNECTED.includes(this.reason)
  }
}

/** What a call to Sentinel or the Domain API is made of. */
export interface HttpCall {
  method: string
  headers?: Record<string, string>
  body?: string
}

/** The plugin's way out: pooled connections, deadlines, size limits, no redirects. */
export interface HttpClient {
  /**
   * One call under one deadline, from the look-up of the name to the last byte; begun again once where the connection
   * was never made. Never follows a redirect and never decompresses, so that what is read is bounded by what was sent.
   *
   * @throws HttpError
   */
  send: (url: string, call: HttpCall) => Promise<HttpResponse>
  /** The standard `fetch` on the same connections, for calls of the app to LivePerson's services. */
  fetch: (url: string, init: RequestInit) => Promise<UndiciResponse>
  close: () => Promise<void>
}

/** A response that has been read. It has what oauth4webapi uses of a `Response`, without streams for a text of a KB. */
export class HttpResponse {
  readonly status: number
  readonly headers: { get: (name: string) => string | null }
  readonly bodyUsed = false
  readonly #headers: Record<string, string | string[] | undefined>
  readonly #text: string

  constructor (status: number, headers: Record<string, string | string[] | undefined>, text: string) {
    this.status = status
    this.#headers = headers
    this.headers = { get: name => headers[name]?.toString() ?? null }
    this.#text = text
  }

  get [Symbol.toStringTag] (): string {
    return 'Response'
  }

  get ok (): boolean {
    return this.status >= 200 && this.status <= 299
  }

  async json (): Promise<unknown> {
    return JSON.parse(this.#text)
  }

  /** The text stays readable, so a copy is not needed. */
  clone (): this {
    return this
  }

  /** The same response with another body. */
  withJson (body: object): HttpResponse {
    return new HttpResponse(this.status, this.#headers, JSON.stringify(body))
  }

  /** For oauth4webapi, which takes it for what it plays. */
  asResponse (): Response {
    return this as unknown as Response
  }
}

interface Undici { request: typeof import('undici').request, fetch: typeof import('undici').fetch, dispatcher: Dispatcher }

/**
 * @param timeout the deadline of `send`, in ms
 * @param dispatcher the app's own, which stays the app's to close
 */
export function createHttpClient (timeout: number, clock: Clock, dispatcher?: Dispatcher): HttpClient {
  let loading: Promise<Undici> | null = null
  // undici is most of what starting takes, and before the first login nobody needs it.
  const load = (): Promise<Undici> => { loading ??= loadUndici(timeout, dispatcher); return loading }
  return {
    send: async (url, call) => send(await load(), clock, timeout, url, call),
    fetch: async (url, init) => {
      const { fetch, dispatcher } = await load()
      return fetch(url, { ...init, dispatcher })
    },
    close: async () => {
      if (dispatcher === undefined && loading !== null) await (await loading).dispatcher.destroy()
    }
  }
}

async function loadUndici (timeout: number, dispatcher?: Dispatcher): Promise<Undici> {
  const { Agent, fetch, request } = await import('undici')
  return { fetch, request, dispatcher: dispatcher ?? new Agent({ connect: { timeout }, headersTimeout: timeout, bodyTimeout: timeout }) }
}

async function send (undici: Undici, clock: Clock, timeout: number, url: string, call: HttpCall): Promise<HttpResponse> {
  const controller = new AbortController()
  const cancel = clock.after(timeout, () => controller.abort())
  const attempt = (): Promise<HttpResponse> => once(undici, controller.signal, url, call)
  try {
    return await attempt().catch(async (error: HttpError) => {
      if (!error.neverConnected) throw error
      await clock.wait(RETRY_AFTER)
      return attempt()
    })
  } finally {
    cancel()
  }
}

async function once ({ request, dispatcher }: Undici, signal: AbortSignal, url: string, call: HttpCall): Promise<HttpResponse> {
  try {
    const { statusCode, headers, body } = await request(url, { ...call, dispatcher, signal } as Parameters<typeof request>[1])
    return new HttpResponse(statusCode, headers, await readBounded(body))
  } catch (error) {
    throw new HttpError(signal.aborted ? 'timeout' : reasonOf(error))
  }
}

/** By events, which cost a fraction of what iterating a stream of one chunk does. */
function readBounded (body: Dispatcher.ResponseData['body']): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    body.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      // Destroying the stream ends the connection.
      if (size > MAX_BODY_BYTES) body.destroy(new HttpError('too_large'))
    })
    body.on('end', () => resolve(textOf(Buffer.concat(chunks))))
    body.on('error', reject)
  })
}

/** JSON is UTF-8 (RFC 8259 §8.1). What is not is nothing that could be read, rather than something with a few characters replaced. */
function textOf (bytes: Buffer): string {
  return isUtf8(bytes) ? utf8.decode(bytes) : ''
}

function reasonOf (error: unknown): string {
  if (error instanceof HttpError) return error.reason
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' ? code : 'malformed'
}
