import type { Response as UndiciResponse } from 'undici'

/** The codings that undici removes from a body, whatever the version of Node. */
const REMOVED_CODING = /^(x-gzip|gzip|deflate|br)$/

/**
 * They describe the connection to the service (RFC 9110 §7.6.1). Node throws if an app passes them
 * on over HTTP/2.
 */
const OF_THE_CONNECTION = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade'
]

/** RFC 9112 §4. The platform refuses any other, and recipients may ignore it. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/
/** RFC 9110 §15: higher statuses are invalid. */
const MAX_STATUS = 599

/**
 * undici cancels the body of a response that is garbage. So each response lives as long as the one
 * that was made from it.
 */
const origins = new WeakMap<Response, UndiciResponse>()

/**
 * undici's response as a `Response` of the platform, with the same body. Its headers describe the
 * body as it is now, so that a route can send the response on.
 *
 * @throws TypeError as `fetch` does for a response that is not valid HTTP
 */
export function platformResponse(origin: UndiciResponse): Response {
  const { body, status, url } = origin
  if (status > MAX_STATUS) throw new TypeError('fetch failed', { cause: { code: 'malformed' } })
  const statusText = REASON_PHRASE.test(origin.statusText) ? origin.statusText : ''
  const response = new Response(body, { status, statusText, headers: headersOf(origin) })
  // The constructor cannot set it.
  Object.defineProperty(response, 'url', { value: url })
  origins.set(response, origin)
  return response
}

function headersOf({ headers, body }: UndiciResponse): Headers {
  const copy = new Headers([...headers])
  for (const name of OF_THE_CONNECTION) copy.delete(name)
  if (body !== null && isDecoded(copy.get('content-encoding'))) {
    copy.delete('content-encoding')
    // The length of the body with its coding.
    copy.delete('content-length')
  }
  return copy
}

function isDecoded(codings: string | null): boolean {
  if (codings === null) return false
  return codings.split(',').every(coding => REMOVED_CODING.test(coding.trim().toLowerCase()))
}
