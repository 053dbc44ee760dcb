import type { FastifyInstance, FastifyReply } from 'fastify'
import { errorPage } from './pages/error-page.ts'
import { sendPage } from './pages/html.ts'
import type { Behaviour } from './settings/behaviour.ts'

/** An error that refuses a request, and knows the response to send. */
export abstract class Refusal extends Error {
  abstract send(reply: FastifyReply, behaviour: Behaviour): FastifyReply
}

/**
 * An error page of Sentinel. The account, the application or the redirect URI is in doubt, so the
 * browser cannot be redirected (RFC 6749 §4.1.2.1).
 */
export class PageRefusal extends Refusal {
  readonly #status: 400 | 401

  constructor(status: 400 | 401, message: string) {
    super(message)
    this.#status = status
  }

  override send(reply: FastifyReply): FastifyReply {
    return sendPage(reply.code(this.#status), errorPage(this.#status, this.message))
  }
}

/** A redirect that carries an error to the application (RFC 6749 §4.1.2.1). */
export class RedirectRefusal extends Refusal {
  readonly #location: string

  constructor(location: string) {
    super('redirected with an error')
    this.#location = location
  }

  override send(reply: FastifyReply): FastifyReply {
    return reply.header('cache-control', 'no-store').redirect(this.#location)
  }
}

/** The error codes of RFC 6749 §5.2 that the emulator uses. */
export type OAuthErrorCode =
  'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unsupported_grant_type'

/**
 * An error of the token or revocation endpoint (RFC 6749 §5.2). `behaviour.errorBody` selects the
 * shape of the body.
 */
export class OAuthRefusal extends Refusal {
  readonly #code: OAuthErrorCode

  constructor(code: OAuthErrorCode, message: string) {
    super(message)
    this.#code = code
  }

  override send(reply: FastifyReply, { errorBody }: Behaviour): FastifyReply {
    const status = this.#code === 'invalid_client' ? 401 : 400
    reply.code(status).headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    if (errorBody === 'html') {
      return reply
        .type('text/html;charset=utf-8')
        .send(`<html><body><h1>HTTP Status ${status}</h1></body></html>`)
    }
    return sendJson(
      reply,
      errorBody === 'nested'
        ? nested(status, this.message)
        : { error: this.#code, error_description: this.message }
    )
  }
}

/** An error of the Domain API or the Users API. */
export class ApiRefusal extends Refusal {
  readonly #status: 400 | 401 | 403 | 404

  constructor(status: 400 | 401 | 403 | 404, message: string) {
    super(message)
    this.#status = status
  }

  override send(reply: FastifyReply): FastifyReply {
    return sendJson(reply.code(this.#status), nested(this.#status, this.message))
  }
}

/** Sends JSON with the content type that LivePerson's documents print. */
export function sendJson(reply: FastifyReply, body: object): FastifyReply {
  return reply.type('application/json;charset=utf-8').send(body)
}

/** Sends the response of a refusal that a route throws. Other errors are left to the app. */
export function handleRefusals(app: FastifyInstance, behaviour: Behaviour): void {
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refusal) return error.send(reply, behaviour)
    throw error
  })
}

// LivePerson's other services report errors in this shape.
function nested(statusCode: number, message: string): object {
  return { error: { statusCode, message } }
}
