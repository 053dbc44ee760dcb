import type { FastifyReply, FastifyRequest } from 'fastify'

/** Allows only the app's own files and forms: no other host, frame, inline script or style. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'"
].join('; ')

/** Headers for every response, errors too. A route can override them. */
export async function securityHeaders(
  _request: FastifyRequest,
  reply: FastifyReply
): Promise<void> {
  reply.headers({
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff'
  })
}
