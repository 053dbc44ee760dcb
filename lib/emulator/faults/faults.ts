/**
 * The addresses a fault can be given to, by family. `token` is the exchange of an authorization code, `refresh` the
 * refresh grant at the same address, `users` everything under LivePerson's configuration API.
 */
export type Endpoint = 'domain' | 'authorize' | 'login' | 'token' | 'refresh' | 'revoke' | 'jwks' | 'users'

/** Waits, then answers as ever. */
export interface Delay {
  /** Milliseconds of real time. */
  readonly delayMs: number
}

/** Another answer instead of the emulator's own. */
export interface Replacement {
  readonly status: number
  /** Sent as it is, well formed or not. @default nothing */
  readonly body?: string | Buffer
  /** `content-type` is `application/json;charset=utf-8` unless named here. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Whether the emulator does its work first: uses up the code, rotates the refresh token, revokes. Otherwise it
   * is as if a gateway in front had answered.
   * @default false
   */
  readonly processed?: boolean
}

/** The emulator's own answer, altered. Status and headers stay. */
export interface Change {
  /**
   * Gets the answer's object when it is JSON, and its text otherwise. A returned string or Buffer is sent as it is,
   * anything else as JSON.
   */
  readonly change: (answer: any) => unknown
}

/** The connection dies without a whole answer. */
export interface CutOff {
  /**
   * - `unprocessed`: before any work is done
   * - `before-answer`: the work is done (a refresh token is rotated, say), and the answer is lost
   * - `mid-body`: the work is done, and half of the answer arrives
   */
  readonly cutOff: 'unprocessed' | 'before-answer' | 'mid-body'
}

/** The request is taken and never answered, until the client gives up or the emulator closes. */
export interface Hang {
  readonly hang: true
}

/** The answer's body arrives byte by byte. */
export interface Drip {
  /** Milliseconds of real time before each byte. */
  readonly drip: number
}

/** What can be made to go wrong with a request; told apart by the property each has alone. */
export type Fault = Delay | Replacement | Change | CutOff | Hang | Drip

const ENDPOINTS = ['domain', 'authorize', 'login', 'token', 'refresh', 'revoke', 'jwks', 'users']
const KINDS = ['delayMs', 'status', 'change', 'cutOff', 'hang', 'drip']

/**
 * Refuses an endpoint that the types refuse too, for callers without types.
 * @throws TypeError naming the endpoints there are.
 */
export function checkEndpoint (endpoint: Endpoint): void {
  if (!ENDPOINTS.includes(endpoint)) {
    throw new TypeError(`Sentinel emulator: no endpoint ${endpoint}, only ${ENDPOINTS.join(', ')}`)
  }
}

/**
 * Refuses a fault that is none, or two at once, which the types let pass.
 * @throws TypeError naming the kinds of faults there are.
 */
export function checkFault (fault: Fault): void {
  if (KINDS.filter(kind => Object.hasOwn(fault, kind)).length !== 1) {
    throw new TypeError(`Sentinel emulator: a fault has exactly one of ${KINDS.join(', ')}`)
  }
}
