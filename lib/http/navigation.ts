import type { FastifyRequest } from 'fastify'

type Headers = FastifyRequest['headers']

/** A service worker that passes a page's request on makes its destination empty. */
const PAGES = ['document', 'empty']
const FRAMES = ['frame', 'iframe']

/**
 * Whether a user opens a page, so that the response may be a redirect to the login, or a page. A
 * script's request, a sub-resource, a frame of another site or a prefetch is not that (Fetch
 * Metadata; RFC 9110 §12.5.1 if a browser sends no such headers).
 */
export function isPageNavigation({ method, headers }: FastifyRequest): boolean {
  if (method !== 'GET' || isPrefetch(headers)) return false
  switch (headers['sec-fetch-mode']) {
    case undefined:
      return acceptsHtml(headers)
    case 'navigate':
      return isShownAsPage(headers)
    case 'same-origin':
      // A service worker that adds a header to a navigation changes its mode (Fetch §5.4).
      return headers['sec-fetch-dest'] === 'empty' && acceptsHtml(headers)
    default:
      return false
  }
}

/**
 * Whether the browser's headers say that no user opens a page. A login that starts like this could
 * never be finished. A hostile page could start a hundred of them with images, and fill the browser
 * with cookies.
 */
export function isSurelyNoPage(request: FastifyRequest): boolean {
  const { headers } = request
  if (isPrefetch(headers)) return true
  if (headers['sec-fetch-mode'] !== undefined) return !isPageNavigation(request)
  // Browsers name what they load, except for scripts. `*/*` also comes from curl and from tests.
  const { accept = '*/*' } = headers
  return accept !== '*/*' && !acceptsHtml(headers)
}

/**
 * Whether another site started this navigation, or a redirect on its way (Fetch Metadata). A
 * browser that sends no such headers does not say.
 */
export function isFromAnotherSite({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  return site === 'cross-site' || site === 'same-site'
}

/** Whether the client can show a page: browsers say so for links and forms, scripts rarely do. */
export function acceptsHtml({ accept }: Headers): boolean {
  return String(accept).includes('text/html')
}

/** No script can make a request with the mode `navigate`, so what is left to check is a frame. */
function isShownAsPage(headers: Headers): boolean {
  const destination = headers['sec-fetch-dest'] ?? 'document'
  if (PAGES.includes(destination)) return true
  // Another site could lay a frame of the app under its own page.
  return FRAMES.includes(destination) && headers['sec-fetch-site'] === 'same-origin'
}

function isPrefetch(headers: Headers): boolean {
  return /prefetch|prerender/.test(`${headers['sec-purpose']} ${headers.purpose}`)
}
