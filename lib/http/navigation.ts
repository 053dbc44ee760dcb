import type { FastifyRequest } from 'fastify'

/**
 * Whether a person is opening a page: what may be answered with a redirect to the login or with a page. A script's
 * request, a sub-resource, a frame or a prefetch is none of that (Fetch Metadata; RFC 9110 §12.5.1 where it is not sent).
 */
export function isPageNavigation (request: FastifyRequest): boolean {
  const { headers } = request
  if (request.method !== 'GET' || isPrefetch(headers)) return false
  if (headers['sec-fetch-mode'] === undefined) return String(headers.accept).includes('text/html')
  return headers['sec-fetch-mode'] === 'navigate' && (headers['sec-fetch-dest'] ?? 'document') === 'document'
}

/**
 * Whether the browser itself says that nobody is opening a page. A login that begins so could never end, and a hundred of
 * them at once, as images of a hostile page, would fill the browser with cookies.
 */
export function isSurelyNoPage (request: FastifyRequest): boolean {
  return isPrefetch(request.headers) || (request.headers['sec-fetch-mode'] !== undefined && !isPageNavigation(request))
}

function isPrefetch (headers: FastifyRequest['headers']): boolean {
  return /prefetch|prerender/.test(`${headers['sec-purpose']} ${headers.purpose}`)
}
