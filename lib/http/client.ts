import { isUtf8 } from 'node:buffer'
import type { Dispatcher, RequestInit as UndiciInit } from 'undici'
import type { Clock } from '../clock.ts'
import type { NetworkReason } from '../errors.ts'
import type { FetchInit } from './fetch-init.ts'
import { HttpResponse } from './http-response.ts'
import { loadUndici, type HttpOptions, type Undici } from './load-undici.ts'
import { platformResponse } from './platform-response.ts'
import type { Turns } from './turns.ts'

/** No response of Sentinel or the Domain API is nearly this long; a longer one is an attack. */
const MAX_BODY_BYTES = 1024 * 1024
/** The request was never sent. A code exchange may be repeated after these only. */
const NEVER_CONNECTED = [
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'too_many_calls'
]
/** The pause before the repetition, in ms. A server that restarts is back by then. */
const RETRY_AFTER = 100

/** Leaves out a byte order mark, as RFC 8259 §8.1 allows. */
const utf8 = new TextDecoder()

/** A call that got no usable HTTP response. */
export class HttpError extends Error {
  readonly reason: NetworkReason

  constructor(reason: NetworkReason) {
    super(`no usable HTTP response: ${reason}`)
    this.name = 'HttpError'
    this.reason = reason
  }

  /** Whether the request certainly did not arrive, so that it can be repeated. */
  get neverConnected(): boolean {
    return NEVER_CONNECTED.includes(this.reason)
  }
}

/** A call to Sentinel or the Domain API. */
export interface HttpCall {
  method: string
  headers?: Record<string, string>
  body?: string
}

/** All outgoing requests: pooled connections, deadlines, size limits, no redirects. */
export class HttpClient {
  readonly #options: HttpOptions
  readonly #clock: Clock
  #loading: Promise<Undici> | null = null

  constructor(options: HttpOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /**
   * One call with one deadline, from the look-up of the name to the last byte. Repeated once if the
   * connection was never made. Follows no redirect. Does not decompress, so the body that is read
   * is no longer than the body that was sent.
   *
   * @param turns limits how many calls run at a time; the deadline includes the wait for a turn
   * @throws HttpError
   */
  async send(url: string, call: HttpCall, turns?: Turns): Promise<HttpResponse> {
    const undici = await this.#undici()
    const controller = new AbortController()
    const { signal } = controller
    const cancel = this.#clock.after(this.#options.timeout, () => controller.abort())
    const attempt = (): Promise<HttpResponse> => sendOnce(undici, signal, url, call)
    try {
      return await inTurn(turns, signal, () => this.#repeated(attempt))
    } finally {
      cancel()
    }
  }

  async #repeated(attempt: () => Promise<HttpResponse>): Promise<HttpResponse> {
    try {
      return await attempt()
    } catch (error) {
      if (!(error as HttpError).neverConnected) throw error
      await this.#clock.wait(RETRY_AFTER)
      return attempt()
    }
  }

  /**
   * The standard `fetch` on the same connections, for calls of the app to LivePerson's services.
   */
  async fetch(url: string, init: FetchInit): Promise<Response> {
    const { fetch, dispatcher } = await this.#undici()
    return platformResponse(await fetch(url, { ...(init as UndiciInit), dispatcher }))
  }

  async close(): Promise<void> {
    await (await this.#loading)?.destroy()
  }

  /** Loading undici is most of the time that a start takes, and nothing needs it before a login. */
  #undici(): Promise<Undici> {
    this.#loading ??= loadUndici(this.#options)
    return this.#loading
  }
}

async function inTurn<Result>(
  turns: Turns | undefined,
  signal: AbortSignal,
  work: () => Promise<Result>
): Promise<Result> {
  if (turns === undefined) return work()
  if (!(await turns.take(signal))) throw new HttpError('too_many_calls')
  try {
    return await work()
  } finally {
    turns.release()
  }
}

async function sendOnce(
  { request, dispatcher }: Undici,
  signal: AbortSignal,
  url: string,
  call: HttpCall
): Promise<HttpResponse> {
  const options = { ...call, dispatcher, signal } as Parameters<typeof request>[1]
  try {
    const { statusCode, headers, body } = await request(url, options)
    return new HttpResponse(statusCode, headers, await readBounded(body))
  } catch (error) {
    throw new HttpError(signal.aborted ? 'timeout' : reasonOf(error))
  }
}

/** Reads by events, which cost a fraction of iterating a stream of one chunk. */
function readBounded(body: Dispatcher.ResponseData['body']): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    body.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      // This ends the connection as well.
      if (size > MAX_BODY_BYTES) body.destroy(new HttpError('too_large'))
    })
    body.on('end', () => resolve(textOf(Buffer.concat(chunks))))
    body.on('error', reject)
  })
}

/** JSON is UTF-8 (RFC 8259 §8.1). Other bytes count as no text, rather than as text with gaps. */
function textOf(bytes: Buffer): string {
  return isUtf8(bytes) ? utf8.decode(bytes) : ''
}

function reasonOf(error: unknown): NetworkReason {
  if (error instanceof HttpError) return error.reason
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? (code as NetworkReason) : 'malformed'
}
