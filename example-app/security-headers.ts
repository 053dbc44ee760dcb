import type { FastifyReply, FastifyRequest } from 'fastify'

/** Everything comes from this app, forms go nowhere else, and nobody frames it. There is no inline script or style. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'"
].join('; ')

/** Headers for every answer, errors as well; a route that needs another one sets it over these. */
export async function securityHeaders (_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers({
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff'
  })
}
