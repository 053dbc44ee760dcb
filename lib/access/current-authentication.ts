import type { FastifyRequest } from 'fastify'
import type { LeAuthError } from '../errors.ts'
import type { Authentication } from './authentication.ts'

/** A guard that has thrown an error has refused the request, even if the app catches the error. */
type Verdict = 'passed' | 'refused' | LeAuthError
type Keyed = FastifyRequest & Record<symbol, any>

/**
 * The authentication of each request, under a symbol that nothing else has. Each registration of
 * the plugin has its own symbols. So a guard never trusts a value of another registration, of a
 * prototype or of the app.
 */
export class CurrentAuthentication {
  readonly #key = Symbol('fastify-le-auth')
  readonly #verdict = Symbol('fastify-le-auth verdict')

  /** `null` if nobody is logged in. */
  of(request: FastifyRequest): Authentication | null {
    return (request as Keyed)[this.#key] ?? null
  }

  set(request: FastifyRequest, authentication: Authentication | null): void {
    ;(request as Keyed)[this.#key] = authentication
  }

  /** What a guard decided; `undefined` if no guard has seen the request. */
  verdictOf(request: FastifyRequest): Verdict | undefined {
    return (request as Keyed)[this.#verdict]
  }

  setVerdict(request: FastifyRequest, verdict: Verdict): void {
    ;(request as Keyed)[this.#verdict] = verdict
  }
}
