import createError from '@fastify/error'

/**
 * Every error of this plugin: its status, and one sentence that says what happened and what to do.
 * The sentences are shown to users, so none of them repeats anything that came from outside.
 */
const definitions = {
  LE_AUTH_OPTIONS_INVALID: [500, 'fastify-le-auth cannot start:\n%s'],
  LE_AUTH_SETUP_INVALID: [500, 'fastify-le-auth cannot start: %s'],
  LE_AUTH_NOT_REGISTERED: [500, 'This route is guarded by requireAuth or requireAdmin, but fastify-le-auth is not registered in its scope or in one above it. Register it there.'],

  LE_AUTH_INSECURE_REQUEST: [500, 'This app expects https, but the request arrived as http, so the browser would not keep the login. Behind a TLS proxy, set Fastify\'s trustProxy and let the proxy send X-Forwarded-Proto.'],
  LE_AUTH_DOMAIN_API_UNAVAILABLE: [503, 'LivePerson\'s directory of services cannot be reached at the moment. Try again in a minute.'],
  LE_AUTH_DOMAIN_API_INVALID: [502, 'LivePerson\'s directory of services gave no usable answer for this account. Check accountId and, for request.leAuth.fetch, the service\'s name; or try again later.'],
  LE_AUTH_HOST_NOT_TRUSTED: [502, 'LivePerson\'s directory of services named a host that this app does not trust. If the host is genuine, add its domain to trustedDomains.'],
  LE_AUTH_SENTINEL_UNAVAILABLE: [503, 'LivePerson\'s login service cannot be reached at the moment. Try again in a minute.'],
  LE_AUTH_SENTINEL_INVALID: [502, 'LivePerson\'s login service gave an answer that this app cannot use. Try again; if it stays, tell the app\'s operator the code below.'],
  LE_AUTH_CLIENT_REJECTED: [502, 'LivePerson does not accept this app\'s credentials. Its operator should check clientId and clientSecret against the installation.'],
  LE_AUTH_CODE_REJECTED: [400, 'LivePerson no longer accepts this login: its code was used already or is too old. Begin the login again.'],
  LE_AUTH_ID_TOKEN_MISSING: [502, 'LivePerson\'s answer did not say who logged in. The app\'s operator should set apiVersion.token to "2.0".'],
  LE_AUTH_ID_TOKEN_INVALID: [502, 'LivePerson\'s answer about who logged in is not meant for this app, is out of date or is malformed. Try again; if it stays, check clientId and the server\'s clock.'],

  LE_AUTH_LOGIN_NOT_A_PAGE: [400, 'A login begins on a page of its own: lead the browser to it, and do not load it by a script, in a frame or ahead of time.'],
  LE_AUTH_LOGIN_DENIED: [403, 'The login was cancelled or refused at LivePerson. You can try again, or use another account.'],
  LE_AUTH_LOGIN_REFUSED: [502, 'LivePerson refused to begin this login. Try again; if it stays, the app\'s operator should check clientId, redirectUri, scope and pkce.'],
  LE_AUTH_CALLBACK_INVALID: [400, 'This is not an answer that LivePerson sends after a login. Begin the login again.'],
  LE_AUTH_TRANSACTION_MISSING: [400, 'This browser has no login in progress: it may block cookies, or the login began in another browser or at another address of this app. Begin the login again here.'],
  LE_AUTH_TRANSACTION_EXPIRED: [400, 'This login took longer than 15 minutes and is no longer valid. Begin it again.'],
  LE_AUTH_STATE_MISMATCH: [400, 'This answer belongs to another login than those in progress in this browser, perhaps one replaced in another tab. Finish that one, or begin again.'],
  LE_AUTH_STATE_SPENT: [400, 'This answer was already used once and cannot be used again. Begin the login again.'],
  LE_AUTH_LOGIN_FINISHED: [400, 'This login was completed earlier and has ended since. Log in again to continue.'],
  LE_AUTH_LOGIN_HOOK_FAILED: [500, 'This app could not complete your login. Nothing was changed; try again.'],
  LE_AUTH_STORE_UNAVAILABLE: [503, 'The session store of this app cannot be reached at the moment. Try again in a minute.'],

  LE_AUTH_LOGIN_REQUIRED: [401, 'Log in to continue.'],
  LE_AUTH_ADMIN_REQUIRED: [403, 'This is for administrators of the LivePerson account only.'],
  LE_AUTH_SESSION_ENDED: [401, 'This login has ended. Log in again.'],
  LE_AUTH_REFRESH_UNAVAILABLE: [503, 'Your access to LivePerson cannot be renewed at the moment. You are still logged in; try again in a minute.'],
  LE_AUTH_MIN_TTL_INVALID: [500, 'request.leAuth.getAccessToken takes minTtl in ms: a number from 0 up.'],

  LE_AUTH_LOGOUT_CROSS_SITE: [403, 'Logging out is only possible from a page of this app: send the POST from the same origin.'],
  LE_AUTH_REVOCATION_FAILED: [502, 'You are logged out of this app, but LivePerson could not be told to end your other sessions. Log out there as well.'],

  LE_AUTH_SERVICE_PATH_INVALID: [500, 'request.leAuth.fetch takes a path that begins with one slash, such as /api/account/{accountId}/configuration/le-users/users, and never a whole address.'],
  LE_AUTH_SERVICE_REDIRECTED: [502, 'A LivePerson service redirected to another host, and the user\'s token was not sent there.'],
  LE_AUTH_SERVICE_UNAVAILABLE: [503, 'A LivePerson service cannot be reached at the moment. Try again in a minute.']
} as const satisfies Record<string, readonly [status: number, message: string]>

/** The code of an error of this plugin; a closed list, so that a `switch` narrows. */
export type LeAuthErrorCode = keyof typeof definitions

/** All codes, with the HTTP status each one carries. */
export const LE_AUTH_ERROR_STATUS = Object.fromEntries(
  Object.entries(definitions).map(([code, [status]]) => [code, status])
) as Readonly<Record<LeAuthErrorCode, number>>

/** Any error of this plugin: `error instanceof LeAuthError`. */
export class LeAuthError extends Error {
  /** Which error this is. */
  declare readonly code: LeAuthErrorCode
  /** The HTTP status that fits it. */
  declare readonly statusCode: number
  /** A word of a closed list for the operator's log, such as `invalid_grant`, `timeout` or `ECONNREFUSED`. */
  declare readonly reason?: string
}

const constructors = new Map(Object.entries(definitions).map(([code, [status, message]]) =>
  [code, createError<string[]>(code, message, status, LeAuthError as unknown as ErrorConstructor)]))

/** Facts that go beside an error, never into its text. */
interface ErrorFacts {
  /** Fills the one `%s` of a start-up error. */
  detail?: string
  reason?: string | undefined
  /** An error of the app's own, never one of LivePerson's: theirs may hold a token. */
  cause?: unknown
}

/**
 * Makes the error of a code.
 *
 * @param code which error
 * @param facts what the start-up errors fill in, and the reason for the log
 */
export function leAuthError (code: LeAuthErrorCode, facts: ErrorFacts = {}): LeAuthError {
  const Constructor = constructors.get(code)!
  const error = facts.detail === undefined ? new Constructor() : new Constructor(facts.detail)
  const { reason, cause } = facts
  return Object.assign(error, { name: 'LeAuthError', ...(reason !== undefined && { reason }), ...(cause !== undefined && { cause }) }) as unknown as LeAuthError
}
