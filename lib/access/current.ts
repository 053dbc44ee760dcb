import type { FastifyRequest } from 'fastify'
import type { Authentication } from './authentication.js'

/**
 * Who is logged in on each request. A request keeps it under a symbol that nobody else has, one for each registration of the
 * plugin, so that no guard believes another registration, an inherited property or what an app has assigned.
 */
export class CurrentAuthentication {
  readonly #key = Symbol('fastify-le-auth')
  readonly #guarded = Symbol('fastify-le-auth guarded')

  of (request: FastifyRequest): Authentication | null {
    return (request as Keyed)[this.#key] ?? null
  }

  set (request: FastifyRequest, authentication: Authentication | null): void {
    (request as Keyed)[this.#key] = authentication
  }

  /** Notes that a guard has let a request through. */
  setGuarded (request: FastifyRequest): void {
    (request as Keyed)[this.#guarded] = true
  }

  isGuarded (request: FastifyRequest): boolean {
    return (request as Keyed)[this.#guarded] === true
  }
}

type Keyed = FastifyRequest & Record<symbol, any>
