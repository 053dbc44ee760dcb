import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Endpoint } from './faults/faults.ts'
import { formOf, queryOf } from './parameters.ts'

/** A request as the emulator received it, before any fault was applied. */
export interface ReceivedRequest {
  readonly endpoint: Endpoint
  readonly method: string
  /** The path, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The form, if one was sent. */
  readonly body?: URLSearchParams
  /** When it was received: ms since 1970 by the emulator's clock. */
  readonly at: number
}

/** A limit, so that a long load test does not fill the memory. */
const MOST_REQUESTS = 10_000

/** The requests that were received, for tests to inspect. */
export class RequestLog {
  readonly requests: ReceivedRequest[] = []

  /** Adds a request, and drops the oldest one above the limit. */
  add(endpoint: Endpoint, request: FastifyRequest, at: number): void {
    const body = formOf(request)
    this.requests.push({
      endpoint,
      method: request.method,
      path: request.url.replace(/\?.*/s, ''),
      query: queryOf(request),
      headers: request.headers,
      ...(body && { body }),
      at
    })
    if (this.requests.length > MOST_REQUESTS) this.requests.shift()
  }
}
