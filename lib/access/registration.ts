import type { FastifyInstance } from 'fastify'
import { leAuthError } from '../errors.ts'
import type { AnyRequest } from '../http/any-request.ts'
import type { Authentication } from './authentication.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import type { Guard, Guards } from './guards.ts'

/** What one registration of the plugin offers to the routes in its scope. */
interface Registration {
  guards: Guards
  current: CurrentAuthentication
}

/** Scopes below inherit it from the scope that the plugin is registered in. */
const REGISTRATION = Symbol('registration of fastify-le-auth')

const NOT_REGISTERED =
  'A route uses requireAuth, requireAdmin or authOf, but fastify-le-auth is ' +
  'not registered in its scope or in a scope above it. Register it there.'

export function setRegistration(app: FastifyInstance, registration: Registration): void {
  Object.defineProperty(app, REGISTRATION, { value: registration })
}

/**
 * The same as `app.requireAuth`, for routes that may be defined before the plugin has loaded.
 * Until then, `app.requireAuth` is `undefined`, and Fastify would run the route without a guard.
 *
 * @throws LE_AUTH_SETUP_INVALID if the plugin is not registered in the route's scope
 */
export const requireAuth: Guard = (request, reply, done) =>
  registrationOf(request).guards.requireAuth(request, reply, done)

/**
 * The same as `app.requireAdmin`, for routes that may be defined before the plugin has loaded; see
 * {@link requireAuth}.
 */
export const requireAdmin: Guard = (request, reply, done) =>
  registrationOf(request).guards.requireAdmin(request, reply, done)

/**
 * `request.leAuth`, but never null: for handlers behind {@link requireAuth}.
 *
 * @throws LE_AUTH_LOGIN_REQUIRED if nobody is logged in
 * @throws LE_AUTH_SETUP_INVALID if the plugin is not registered in the route's scope
 */
export function authOf(request: AnyRequest): Authentication {
  const authentication = registrationOf(request).current.of(request)
  if (authentication === null) throw leAuthError('LE_AUTH_LOGIN_REQUIRED')
  return authentication
}

function registrationOf({ server }: AnyRequest): Registration {
  const registration = (server as { [REGISTRATION]?: Registration })[REGISTRATION]
  if (registration !== undefined) return registration
  throw leAuthError('LE_AUTH_SETUP_INVALID', { reason: 'not_registered', hint: NOT_REGISTERED })
}
