import type { FastifyInstance } from 'fastify'
import { sendJson } from '../refusals.ts'
import type { EmulatorState } from '../state.ts'
import { publishedKeys } from './signing-key.ts'

/** The public keys (RFC 7517 §5). Sentinel deviates: its path has no dot before "well-known". */
export function jwksRoutes(app: FastifyInstance, { behaviour }: EmulatorState): void {
  app.get('/sentinel/well-known/jwks', async (_request, reply) => {
    const keys = await publishedKeys(behaviour)
    return sendJson(reply, { keys: keys.map(({ publicJwk }) => publicJwk) })
  })
}
