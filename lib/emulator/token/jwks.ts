import type { FastifyInstance } from 'fastify'
import { sendJson } from '../refusals.ts'
import type { EmulatorState } from '../state.ts'

/** The public keys (RFC 7517 §5). Sentinel deviates: its path has no dot before "well-known". */
export function jwksRoutes(app: FastifyInstance, { signingKey }: EmulatorState): void {
  app.get('/sentinel/well-known/jwks', (_request, reply) =>
    sendJson(reply, { keys: [signingKey.publicJwk] })
  )
}
