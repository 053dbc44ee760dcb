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

function isPrefetch (headers: FastifyRequest['headers']): boolean {
  return /prefetch|prerender/.test(`${headers['sec-purpose']} ${headers.purpose}`)
}
