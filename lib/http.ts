import { isUtf8 } from 'node:buffer'
import { setTimeout as wait } from 'node:timers/promises'
import { Agent, fetch, request, type Dispatcher, type RequestInit, type Response as UndiciResponse } from 'undici'

/** No answer of Sentinel or the Domain API comes near this; more is a fault or an attack. */
const MAX_BODY_BYTES = 1024 * 1024
/** The connection was never made; a code exchange may be repeated after these only. */
const NEVER_CONNECTED = ['ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']
/** A server that is just restarting is back after that, in ms. */
const RETRY_AFTER = 100
const STATUS_WITHOUT_BODY = [204, 205, 304]

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
  send: (url: string, call: HttpCall) => Promise<Response>
  /** The standard `fetch` on the same connections, for calls of the app to LivePerson's services. */
  fetch: (url: string, init: RequestInit) => Promise<UndiciResponse>
  close: () => Promise<void>
}

/**
 * @param timeout the deadline of `send`, in ms
 * @param dispatcher the app's own, which stays the app's to close
 */
export function createHttpClient (timeout: number, dispatcher?: Dispatcher): HttpClient {
  const agent = dispatcher ?? new Agent({ connect: { timeout }, headersTimeout: timeout, bodyTimeout: timeout })
  return {
    send: (url, call) => send(agent, timeout, url, call),
    fetch: (url, init) => fetch(url, { ...init, dispatcher: agent }),
    close: async () => { if (dispatcher === undefined) await agent.destroy() }
  }
}

async function send (dispatcher: Dispatcher, timeout: number, url: string, call: HttpCall): Promise<Response> {
  const signal = AbortSignal.timeout(timeout)
  const attempt = (): Promise<Response> => once(dispatcher, signal, url, call)
  return attempt().catch(async (error: HttpError) => {
    if (!error.neverConnected) throw error
    await wait(RETRY_AFTER)
    return attempt()
  })
}

async function once (dispatcher: Dispatcher, signal: AbortSignal, url: string, call: HttpCall): Promise<Response> {
  try {
    const { statusCode, headers, body } = await request(url, { ...call, dispatcher, signal } as Parameters<typeof request>[1])
    const text = await readBounded(body)
    return new Response(STATUS_WITHOUT_BODY.includes(statusCode) ? null : text, { status: statusCode, headers: flatten(headers) })
  } catch (error) {
    throw new HttpError(signal.aborted ? 'timeout' : reasonOf(error))
  }
}

async function readBounded (body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > MAX_BODY_BYTES) throw new HttpError('too_large')
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  // JSON is UTF-8 (RFC 8259 §8.1). What is not is nothing that could be read, rather than something with a few characters replaced.
  return isUtf8(bytes) ? bytes.toString() : ''
}

function flatten (headers: Record<string, string | string[] | undefined>): Array<[string, string]> {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((single): [string, string] => [name, single!]))
}

function reasonOf (error: unknown): string {
  if (error instanceof HttpError) return error.reason
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' ? code : 'malformed'
}
