import type { FastifyRequest } from 'fastify'
import type { Authentication } from './authentication.js'

/**
 * Who is logged in on each request. A request keeps it under a symbol that nobody else has, one for each registration of the
 * plugin, so that no guard believes another registration, an inherited property or what an app has assigned.
 */
export class CurrentAuthentication {
  readonly #key = Symbol('fastify-le-auth')
  readonly #verdict = Symbol('fastify-le-auth verdict')

  of (request: FastifyRequest): Authentication | null {
    return (request as Keyed)[this.#key] ?? null
  }

  set (request: FastifyRequest, authentication: Authentication | null): void {
    (request as Keyed)[this.#key] = authentication
  }

  /** What a guard has made of a request; `undefined` if none has seen it. */
  verdictOf (request: FastifyRequest): Verdict | undefined {
    return (request as Keyed)[this.#verdict]
  }

  setVerdict (request: FastifyRequest, verdict: Verdict): void {
    (request as Keyed)[this.#verdict] = verdict
  }
}

type Verdict = 'passed' | 'refused'
type Keyed = FastifyRequest & Record<symbol, any>
