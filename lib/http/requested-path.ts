import type { FastifyRequest } from 'fastify'
import { returnPath } from './return-path.ts'

interface PublicAddress {
  origin: string
  /** What a proxy, or the app's `rewriteUrl`, removes from the path; may be empty. */
  publicPrefix: string
}

/** The path that the browser has requested; `null` if it cannot be a return path. */
export function requestedPath(
  { originalUrl, raw }: FastifyRequest,
  { origin, publicPrefix }: PublicAddress
): string | null {
  // The app's `rewriteUrl` may have removed the prefix, which the original URL still has.
  const isRewritten = originalUrl !== raw.url && hasPrefix(originalUrl, publicPrefix)
  return returnPath(isRewritten ? originalUrl : publicPrefix + originalUrl, origin)
}

function hasPrefix(url: string, prefix: string): boolean {
  return url.startsWith(prefix) && /^[/?;]|^$/.test(url.slice(prefix.length))
}
