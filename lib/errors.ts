/** RFC 6749 §4.1.2.1 and §5.2: the only words from Sentinel that may appear in a log. */
export const OAUTH_ERRORS = [
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
  'invalid_client',
  'invalid_grant',
  'unsupported_grant_type'
] as const

/** An OAuth error of Sentinel's; `unrecognised` is any word that the RFC does not list. */
export type OAuthErrorReason = (typeof OAUTH_ERRORS)[number] | 'unrecognised'

/** The HTTP status of a response that is no success, such as `http_503`. */
export type HttpStatusReason = `http_${number}`

/**
 * No usable HTTP response: a word, or the code of Node's or undici's error, such as `ECONNRESET`.
 * `too_many_calls` was never sent, because this process already made too many calls to Sentinel.
 */
export type NetworkReason =
  'timeout' | 'too_large' | 'too_many_calls' | 'malformed' | Uppercase<string>

/**
 * Why a login ended:
 *
 * - `logged_out`: by a logout, in this process or in another
 * - `replaced`: the same browser logged in again
 * - `idle_lifetime`, `absolute_lifetime`: it expired
 * - `no_refresh_token`: its access token expired, and LivePerson gave no refresh token
 * - `response_lost`: the response to its last refresh was lost, and the old refresh token is dead
 * - `tokens_missing`, `not_sealed_here`: the store lost its tokens, or they do not open with
 *   `secret`
 * - any other: how Sentinel refused the refresh
 */
export type LoginEndReason =
  | 'logged_out'
  | 'replaced'
  | 'idle_lifetime'
  | 'absolute_lifetime'
  | 'no_refresh_token'
  | 'response_lost'
  | 'tokens_missing'
  | 'not_sealed_here'
  | OAuthErrorReason
  | HttpStatusReason

/** The reasons of each code: a closed list, except for what a store calls its own errors. */
export interface LeAuthErrorReasons {
  LE_AUTH_OPTIONS_INVALID: undefined
  LE_AUTH_SETUP_INVALID:
    | 'name_taken'
    | 'cookie_plugin'
    | 'session_plugin'
    | 'store_unused'
    | 'not_registered'
    | 'session_keep'
    | 'session_id_repeated'
  LE_AUTH_INSECURE_REQUEST: undefined
  LE_AUTH_DOMAIN_API_UNAVAILABLE: NetworkReason | HttpStatusReason
  LE_AUTH_DOMAIN_API_INVALID: 'service_missing' | 'not_json' | HttpStatusReason
  LE_AUTH_HOST_NOT_TRUSTED: undefined
  LE_AUTH_SENTINEL_UNAVAILABLE: NetworkReason | HttpStatusReason
  LE_AUTH_SENTINEL_INVALID:
    | 'malformed'
    | 'token_type'
    | 'error_with_token'
    | 'access_token'
    | OAuthErrorReason
    | HttpStatusReason
  LE_AUTH_CLIENT_REJECTED: OAuthErrorReason | HttpStatusReason
  LE_AUTH_ID_TOKEN_INVALID: IdTokenReason
  LE_AUTH_LOGIN_NOT_A_PAGE: undefined
  LE_AUTH_LOGIN_DENIED: 'access_denied'
  LE_AUTH_AUTHORIZATION_FAILED: Exclude<OAuthErrorReason, 'access_denied'>
  LE_AUTH_CALLBACK_INVALID: keyof typeof CALLBACK_MESSAGES
  LE_AUTH_LOGIN_REFUSED: undefined
  LE_AUTH_LOGIN_HOOK_FAILED: 'threw' | 'responded' | 'logged_out'
  /** Other words are the store's own: the code of its error, or the name of its class. */
  LE_AUTH_STORE_UNAVAILABLE: 'timeout' | 'lock' | 'lost_write' | (string & {})
  LE_AUTH_LOGIN_REQUIRED: LoginEndReason | undefined
  LE_AUTH_ADMIN_REQUIRED: undefined
  LE_AUTH_REFRESH_UNAVAILABLE: RefreshFailureReason | 'backing_off'
  LE_AUTH_LOGOUT_CROSS_SITE: undefined
  LE_AUTH_REVOCATION_FAILED: SentinelFailureReason | 'no_refresh_token'
  LE_AUTH_SERVICE_REDIRECTED: 'malformed' | 'other_origin' | 'not_a_read' | 'too_many'
  LE_AUTH_SERVICE_UNAVAILABLE: NetworkReason
}

/**
 * What is wrong with an id_token: a claim, the `typ` or `alg` of its header, the token as a whole,
 * or its signature (`kid`: no key of Sentinel's fits, or more than one).
 */
export type IdTokenReason =
  | 'missing'
  | 'malformed'
  | 'too_large'
  | 'typ'
  | 'alg'
  | 'iss'
  | 'aud'
  | 'azp'
  | 'exp'
  | 'iat'
  | 'nbf'
  | 'sub'
  | 'kid'
  | 'key_too_short'
  | 'signature'

/**
 * Why a call to Sentinel failed. If another error of the plugin was the cause, this is its code.
 */
export type SentinelFailureReason =
  NetworkReason | HttpStatusReason | OAuthErrorReason | IdTokenReason | LeAuthErrorCode

/** Why a refresh brought no tokens. */
export type RefreshFailureReason = SentinelFailureReason | 'lock' | 'no_refresh_token'

const NOT_A_RESPONSE =
  'This is not a response that LivePerson sends after a login. Start the login again.'

/** Why a callback logged nobody in, each with its sentence for the visitor. */
const CALLBACK_MESSAGES = {
  malformed: NOT_A_RESPONSE,
  state_malformed: NOT_A_RESPONSE,
  code_malformed: NOT_A_RESPONSE,
  no_transaction:
    'This browser has no login in progress: the login may be complete already, the browser may ' +
    'block cookies, or the login started in another browser or at another address of this app. ' +
    'Start the login again here.',
  expired: 'This login took longer than 15 minutes and has expired. Start it again.',
  state_mismatch:
    'This response belongs to a login that is no longer in progress in this browser, ' +
    'perhaps because a login in another tab replaced it. Finish the login in that tab, ' +
    'or start again.',
  state_used: 'This response was already used and cannot be used again. Start the login again.',
  login_ended: 'This login was completed earlier and has ended since. Log in again to continue.',
  code_rejected:
    'LivePerson no longer accepts this login: its code was already used or has ' +
    'expired. Start the login again.'
}

const REPORT_IT = "If it keeps happening, send the error code to the app's operator."

/** A status, a sentence for the visitor and, if that is another, a sentence for the operator. */
interface Definition {
  status: number
  message: string
  hint?: string
}

const DEFINITIONS: Record<LeAuthErrorCode, Definition> = {
  // At start-up. No visitor sees these, unless a route uses a guard or authOf and the plugin is not
  // registered in its scope.
  LE_AUTH_OPTIONS_INVALID: {
    status: 500,
    message: 'This app is not set up correctly. Its operator should read the log.'
  },
  LE_AUTH_SETUP_INVALID: {
    status: 500,
    message: 'This app is not set up correctly. Its operator should read the log.'
  },

  // To reach LivePerson.
  LE_AUTH_INSECURE_REQUEST: {
    status: 500,
    message: 'This app is not set up correctly for https. Its operator should read the log.'
  },
  LE_AUTH_DOMAIN_API_UNAVAILABLE: {
    status: 503,
    message: 'LivePerson cannot be reached at the moment. Try again in a minute.',
    hint:
      'The Domain API did not respond, or it responded with an error status. Check ' +
      "this server's outbound network, and LivePerson's status page. The option " +
      'sentinelDomain skips this look-up for logins.'
  },
  LE_AUTH_DOMAIN_API_INVALID: {
    status: 502,
    message: `LivePerson named no address for the service that this app needs. ${REPORT_IT}`
  },
  LE_AUTH_HOST_NOT_TRUSTED: {
    status: 502,
    message: `LivePerson named an address that this app does not trust. ${REPORT_IT}`,
    hint:
      'The Domain API named a host outside the trusted domains. If the host is ' +
      'genuine, add its domain to trustedDomains.'
  },
  LE_AUTH_SENTINEL_UNAVAILABLE: {
    status: 503,
    message: "LivePerson's login service cannot be reached at the moment. Try again in a minute.",
    hint:
      'Sentinel did not respond, or it responded that it is busy or down. Check this ' +
      "server's outbound network, and LivePerson's status page. If the reason is " +
      'too_many_calls, too many calls to Sentinel were in progress in this process. If visitors ' +
      'send made-up codes, limit the rate of /callback.'
  },
  LE_AUTH_SENTINEL_INVALID: {
    status: 502,
    message:
      "LivePerson's login service sent a response that this app cannot use. Try again. " +
      REPORT_IT,
    hint:
      "Sentinel's response is malformed, or an error that is not expected at this step. The " +
      'reason says which.'
  },
  LE_AUTH_CLIENT_REJECTED: {
    status: 502,
    message: `LivePerson does not accept logins from this app. ${REPORT_IT}`,
    hint:
      'Check clientId, clientSecret, redirectUri, scope and pkce against the ' +
      'installation at LivePerson.'
  },
  LE_AUTH_ID_TOKEN_INVALID: {
    status: 502,
    message: `LivePerson did not say clearly who logged in. Try again. ${REPORT_IT}`,
    hint:
      'The id_token is missing, malformed, expired or meant for another app; the ' +
      'reason says which. If it is missing, set apiVersion.token to "2.0". Otherwise ' +
      "check clientId and this server's clock."
  },

  // To log in.
  LE_AUTH_LOGIN_NOT_A_PAGE: {
    status: 400,
    message: 'A login cannot start inside another page. Open this address in a new tab.',
    hint:
      'A script, an image, a frame or a prefetch requested /login. Navigate the ' +
      'browser to it instead.'
  },
  LE_AUTH_LOGIN_DENIED: {
    status: 403,
    message:
      'The login was cancelled or refused at LivePerson. You can try again, or use ' +
      'another account.'
  },
  LE_AUTH_AUTHORIZATION_FAILED: {
    status: 400,
    message: `LivePerson ended this login with an error. Try again. ${REPORT_IT}`,
    hint:
      'The callback named an error. If it came from LivePerson, check clientId, redirectUri, ' +
      "scope and pkce against the installation at LivePerson, and LivePerson's status page. But " +
      'anybody can open such an address.'
  },
  LE_AUTH_CALLBACK_INVALID: { status: 400, message: CALLBACK_MESSAGES.malformed },
  LE_AUTH_LOGIN_REFUSED: {
    status: 403,
    message: 'You have no access to this app. Ask its operator for access.'
  },
  LE_AUTH_LOGIN_HOOK_FAILED: {
    status: 500,
    message: 'This app could not complete your login. Nothing was changed. Try again.',
    hint:
      'onLogin threw, responded to the request or logged the user out; the reason ' +
      'says which, and cause is what it threw.'
  },
  LE_AUTH_STORE_UNAVAILABLE: {
    status: 503,
    message: 'This app cannot reach its session store at the moment. Try again in a minute.',
    hint:
      'The session store failed, lost a write, or did not respond within five seconds. ' +
      'If the reason is lock, the lock failed instead. For details, listen to the error ' +
      'events of the client of the store or the lock.'
  },

  // To use a login.
  LE_AUTH_LOGIN_REQUIRED: { status: 401, message: 'Log in to continue.' },
  LE_AUTH_ADMIN_REQUIRED: {
    status: 403,
    message: 'This is for administrators of the LivePerson account only.'
  },
  LE_AUTH_REFRESH_UNAVAILABLE: {
    status: 503,
    message:
      'Your access to LivePerson cannot be refreshed at the moment. You are still ' +
      'logged in. Try again in a minute.',
    hint:
      'The access token has expired, and Sentinel did not issue a new one. The ' +
      'plugin tries again by itself.'
  },
  LE_AUTH_SERVICE_REDIRECTED: {
    status: 502,
    message: `LivePerson redirected this request to a URL that this app does not use. ${REPORT_IT}`,
    hint:
      'A LivePerson service redirected to another host, to a malformed URL, too often, or in ' +
      'response to a call that is not a read; the reason says which. The token was not sent there.'
  },
  LE_AUTH_SERVICE_UNAVAILABLE: {
    status: 503,
    message: 'LivePerson cannot be reached at the moment. Try again in a minute.'
  },

  // To log out.
  LE_AUTH_LOGOUT_CROSS_SITE: {
    status: 403,
    message: 'Log out from a page of this app.',
    hint:
      'The POST to /logout did not come from a page of the same origin, or a service worker has ' +
      'changed it. Scripts must not use the mode same-origin.'
  },
  LE_AUTH_REVOCATION_FAILED: {
    status: 502,
    message:
      'You are logged out of this app, but LivePerson did not confirm that your other ' +
      'sessions have ended. Log out there as well.'
  }
}

/** The code of an error of this plugin: a closed list, so that a `switch` narrows. */
export type LeAuthErrorCode = keyof LeAuthErrorReasons

/** All codes, each with the HTTP status of its errors. */
export const LE_AUTH_ERROR_STATUS = Object.fromEntries(
  Object.entries(DEFINITIONS).map(([code, { status }]) => [code, status])
) as Readonly<Record<LeAuthErrorCode, number>>

interface ErrorOf<Code extends LeAuthErrorCode> extends Error {
  readonly name: 'LeAuthError'
  /** Which error this is. */
  readonly code: Code
  /** The HTTP status that fits it. */
  readonly statusCode: number
  /**
   * What exactly happened, for the log: a word of the code's list in {@link LeAuthErrorReasons}.
   */
  readonly reason: LeAuthErrorReasons[Code]
  /** What the operator or developer should do. `message` is for the visitor. Never secret. */
  readonly hint: string | undefined
  /** The path that starts a login, on a guard's `LE_AUTH_LOGIN_REQUIRED`. */
  readonly loginUrl: string | undefined
}

/**
 * Any error of this plugin: `error instanceof LeAuthError`, after which a `switch` over `code`
 * narrows `reason`. `message` is fit for a visitor; nothing in it came from outside.
 */
export type LeAuthError = { [Code in LeAuthErrorCode]: ErrorOf<Code> }[LeAuthErrorCode]

/** What an error carries besides its code. */
interface ErrorFacts<Code extends LeAuthErrorCode> {
  reason?: LeAuthErrorReasons[Code]
  /** What is wrong, for the developer who starts the app; begins with a space or a line break. */
  problem?: string
  hint?: string
  loginUrl?: string
  /** An error thrown by the app, never an error from LivePerson, which may contain a token. */
  cause?: unknown
}

class CodedError extends Error {
  readonly code: LeAuthErrorCode
  readonly statusCode: number
  readonly reason: string | undefined
  readonly hint: string | undefined
  readonly loginUrl: string | undefined

  constructor(code: LeAuthErrorCode, message: string, facts: ErrorFacts<any>) {
    const { reason, hint, loginUrl, cause } = facts
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.statusCode = DEFINITIONS[code].status
    this.reason = reason
    this.hint = hint ?? DEFINITIONS[code].hint
    this.loginUrl = loginUrl
  }

  /** What a visitor may see: neither the operator's hint nor the app's own error. */
  toJSON(): object {
    const { code, statusCode, reason, message, loginUrl } = this
    return { code, statusCode, reason, message, loginUrl }
  }
}

Object.defineProperty(CodedError, 'name', { value: 'LeAuthError' })
Object.defineProperty(CodedError.prototype, 'name', {
  value: 'LeAuthError',
  writable: true,
  configurable: true
})

/** The class of {@link LeAuthError}, for `instanceof`. */
export const LeAuthError = CodedError as unknown as abstract new () => LeAuthError

/**
 * Refuses a login, if `onLogin` throws it: nobody is logged in, and the visitor sees its message.
 * It is a {@link LeAuthError} with the code `LE_AUTH_LOGIN_REFUSED`.
 */
export class LoginRefused extends CodedError {
  declare readonly code: 'LE_AUTH_LOGIN_REFUSED'
  declare readonly name: 'LeAuthError'
  declare readonly reason: undefined

  /**
   * @param message what the visitor reads, as plain text. Default: a sentence that says to ask the
   * operator for access
   */
  constructor(message?: string | undefined) {
    const text = message ?? DEFINITIONS.LE_AUTH_LOGIN_REFUSED.message
    super('LE_AUTH_LOGIN_REFUSED', text, {})
  }
}

/**
 * Makes the error of a code.
 *
 * @param code which error
 * @param facts its reason, and what else a developer or an operator should know
 */
export function leAuthError<Code extends LeAuthErrorCode>(
  code: Code,
  facts: ErrorFacts<Code> = {}
): LeAuthError {
  return new CodedError(code, messageOf(code, facts), facts) as unknown as LeAuthError
}

function messageOf(code: LeAuthErrorCode, { reason, problem }: ErrorFacts<any>): string {
  if (problem !== undefined) return `fastify-le-auth cannot start:${problem}`
  if (code === 'LE_AUTH_CALLBACK_INVALID') {
    return CALLBACK_MESSAGES[reason as keyof typeof CALLBACK_MESSAGES]
  }
  return DEFINITIONS[code].message
}
