import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Endpoint } from './faults/faults.js'
import { formOf, queryOf } from './parameters.js'

/** A request as the emulator received it, before any fault. */
export interface ReceivedRequest {
  readonly endpoint: Endpoint
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The form, when one was sent. */
  readonly body?: URLSearchParams
  /** Milliseconds since 1970, by the emulator's clock. */
  readonly at: number
}

/** A day of load testing must not fill the memory. */
const KEPT = 10_000

/** The requests received, for tests to look at. */
export class RequestLog {
  readonly requests: ReceivedRequest[] = []

  /** Notes a request, and forgets the oldest when there are too many. */
  add (endpoint: Endpoint, request: FastifyRequest, at: number): void {
    const body = formOf(request)
    this.requests.push({
      endpoint,
      method: request.method,
      path: request.url.replace(/\?.*/s, ''),
      query: queryOf(request),
      headers: request.headers,
      ...body && { body },
      at
    })
    if (this.requests.length > KEPT) this.requests.shift()
  }
}
