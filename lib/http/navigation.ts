import type { FastifyRequest } from 'fastify'

/**
 * Whether a user opens a page, so that the response may be a redirect to the login, or a page. A
 * script's request, a sub-resource, a frame or a prefetch is not that (Fetch Metadata; RFC 9110
 * §12.5.1 if a browser sends no such headers).
 */
export function isPageNavigation(request: FastifyRequest): boolean {
  const { headers } = request
  if (request.method !== 'GET' || isPrefetch(headers)) return false
  const mode = headers['sec-fetch-mode']
  if (mode === undefined) return String(headers.accept).includes('text/html')
  return mode === 'navigate' && (headers['sec-fetch-dest'] ?? 'document') === 'document'
}

/**
 * Whether the browser's headers say that no user opens a page. A login that starts like this could
 * never be finished. A hostile page could start a hundred of them with images, and fill the browser
 * with cookies.
 */
export function isSurelyNoPage(request: FastifyRequest): boolean {
  if (isPrefetch(request.headers)) return true
  return request.headers['sec-fetch-mode'] !== undefined && !isPageNavigation(request)
}

/**
 * Whether another site started this navigation, or a redirect on its way (Fetch Metadata). A
 * browser that sends no such headers does not say.
 */
export function isFromAnotherSite({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  return site === 'cross-site' || site === 'same-site'
}

function isPrefetch(headers: FastifyRequest['headers']): boolean {
  return /prefetch|prerender/.test(`${headers['sec-purpose']} ${headers.purpose}`)
}
