import type { FastifyRequest } from 'fastify'
import { isLoopbackHost } from '../http/loopback.ts'
import { isPageNavigation } from '../http/navigation.ts'
import { withReturnTo } from '../http/return-path.ts'
import type { AppPaths } from '../options/resolved-options.ts'

/**
 * In the query of a redirect to the host of `redirectUri`. A proxy may rewrite the Host header, and
 * then each request would be redirected again.
 */
const REDIRECTED = 'redirected'

/**
 * Where a login goes on if the browser uses another name of this machine than `redirectUri` does,
 * such as 127.0.0.1 instead of localhost. The callback comes to the host of `redirectUri`, and the
 * cookie of the transaction has to be there.
 *
 * @returns the URL of /login on that host; `null` if the login can go on here
 */
export function loginOnRedirectHost(
  request: FastifyRequest,
  { login, origin }: AppPaths,
  returnTo: string | null
): string | null {
  const { hostname } = new URL(origin)
  const requested = request.hostname.toLowerCase()
  if (requested === hostname || !isLoopbackHost(hostname) || !isThisMachine(requested)) return null
  if (!isPageNavigation(request) || Object.hasOwn(request.query as object, REDIRECTED)) return null
  const url = new URL(withReturnTo(login, returnTo), origin)
  url.searchParams.set(REDIRECTED, 'yes')
  return url.href
}

/** Browsers also find this machine by these names. */
function isThisMachine(hostname: string): boolean {
  return isLoopbackHost(hostname) || hostname === '0.0.0.0' || hostname.endsWith('.localhost')
}
