/**
 * The endpoints that a fault can be set for. `token` is the exchange of an authorization code,
 * `refresh` is the refresh grant at the same address, and `users` is LivePerson's whole
 * configuration API.
 */
export type Endpoint =
  'domain' | 'authorize' | 'login' | 'token' | 'refresh' | 'revoke' | 'jwks' | 'users'

/** Delays the emulator's own response. */
export interface Delay {
  /** The delay in ms of real time. */
  readonly delayMs: number
}

/** Sends another response instead of the emulator's own. */
export interface Replacement {
  /** The status code. */
  readonly status: number
  /** Sent unchanged, even if it is malformed. @default an empty body */
  readonly body?: string | Buffer
  /** `content-type` is `application/json;charset=utf-8` unless it is set here. @default none */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Whether the emulator does its work first: marks the code as used, rotates the refresh token,
   * revokes. If not, the response is that of a gateway in front of Sentinel.
   * @default false
   */
  readonly processed?: boolean
}

/** Changes the body of the emulator's own response. Its status and headers stay. */
export interface Change {
  /**
   * Receives the parsed body if the body is JSON, and its text otherwise. May return a promise.
   * A string or Buffer is sent unchanged, any other value as JSON.
   */
  readonly change: (response: any) => unknown
}

/** Closes the connection before the response is complete. */
export interface CutOff {
  /**
   * - `unprocessed`: before the emulator does any work
   * - `before-response`: after the work (such as rotating a refresh token), before any response
   * - `mid-body`: after the work, in the middle of the response body
   */
  readonly cutOff: 'unprocessed' | 'before-response' | 'mid-body'
}

/** Accepts the request, and never responds until the client gives up or the emulator closes. */
export interface Hang {
  readonly hang: true
}

/** Sends the response body byte by byte. */
export interface Drip {
  /** The pause in ms of real time before each byte. */
  readonly drip: number
}

/** What goes wrong with a request. Each kind is recognized by the property that only it has. */
export type Fault = Delay | Replacement | Change | CutOff | Hang | Drip

const ENDPOINTS = ['domain', 'authorize', 'login', 'token', 'refresh', 'revoke', 'jwks', 'users']
const KINDS = ['delayMs', 'status', 'change', 'cutOff', 'hang', 'drip']

/**
 * Checks an endpoint, for callers without types.
 * @throws TypeError if there is no such endpoint; the message lists all endpoints
 */
export function checkEndpoint(endpoint: Endpoint): void {
  if (!ENDPOINTS.includes(endpoint)) {
    throw new TypeError(
      `Sentinel emulator: there is no endpoint ${endpoint}; use one of ${ENDPOINTS.join(', ')}`
    )
  }
}

/**
 * Checks that a fault is of exactly one kind, which the types do not.
 * @throws TypeError if it is of no kind or of several; the message lists all kinds
 */
export function checkFault(fault: Fault): void {
  if (KINDS.filter(kind => Object.hasOwn(fault, kind)).length !== 1) {
    throw new TypeError(`Sentinel emulator: a fault must have exactly one of ${KINDS.join(', ')}`)
  }
}
