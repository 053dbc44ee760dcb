import type { FastifyInstance, FastifyReply } from 'fastify'
import { errorPage } from './pages/error-page.js'
import { sendPage } from './pages/html.js'
import type { Behaviour } from './settings/behaviour.js'

/** What a step throws to refuse a request; it knows how to answer. */
export abstract class Refusal extends Error {
  abstract send (reply: FastifyReply, behaviour: Behaviour): FastifyReply
}

/** A Sentinel error page: nobody can be redirected, because account, application or redirect URI are in doubt. */
export class PageRefusal extends Refusal {
  constructor (readonly status: 400 | 401, message: string) {
    super(message)
  }

  override send (reply: FastifyReply): FastifyReply {
    return sendPage(reply.code(this.status), errorPage(this.status, this.message))
  }
}

/** An error told to the application, through the browser (RFC 6749 §4.1.2.1). */
export class RedirectRefusal extends Refusal {
  constructor (readonly location: string) {
    super('redirected with an error')
  }

  override send (reply: FastifyReply): FastifyReply {
    return reply.header('cache-control', 'no-store').redirect(this.location)
  }
}

/** The codes of RFC 6749 §5.2 that the emulator uses. */
export type OAuthErrorCode = 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unsupported_grant_type'

/** An error of the token or revocation endpoint (RFC 6749 §5.2), in the body shape that is being played. */
export class OAuthRefusal extends Refusal {
  constructor (readonly code: OAuthErrorCode, message: string) {
    super(message)
  }

  override send (reply: FastifyReply, { errorBody }: Behaviour): FastifyReply {
    const status = this.code === 'invalid_client' ? 401 : 400
    reply.code(status).headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    if (errorBody === 'html') {
      return reply.type('text/html;charset=utf-8').send(`<html><body><h1>HTTP Status ${status}</h1></body></html>`)
    }
    return sendJson(reply, errorBody === 'nested'
      ? nested(status, this.message)
      : { error: this.code, error_description: this.message })
  }
}

/** An error of the Domain API or the Users API. */
export class ApiRefusal extends Refusal {
  constructor (readonly status: 400 | 401 | 403 | 404, message: string) {
    super(message)
  }

  override send (reply: FastifyReply): FastifyReply {
    return sendJson(reply.code(this.status), nested(this.status, this.message))
  }
}

/** Sends JSON with the content type that LivePerson's documents print. */
export function sendJson (reply: FastifyReply, body: object): FastifyReply {
  return reply.type('application/json;charset=utf-8').send(body)
}

/** Turns a refusal thrown in a route into its answer; anything else stays the app's. */
export function answerErrors (app: FastifyInstance, behaviour: Behaviour): void {
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refusal) return error.send(reply, behaviour)
    throw error
  })
}

// The shape in which LivePerson's other services report errors.
function nested (statusCode: number, message: string): object {
  return { error: { statusCode, message } }
}
