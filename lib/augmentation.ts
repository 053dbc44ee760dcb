import type { onRequestHookHandler, preHandlerHookHandler } from 'fastify'
import type {} from '@fastify/cookie'
import type {} from '@fastify/session'
import type { Authentication } from './access/authentication.js'
import type { SessionLogin } from './session/login-session.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Lets logged-in users through, as `onRequest` or `preHandler`. A browser that opens a page is sent to the login and
     * back; anything else gets 401 with the login's URL. Refreshes an access token that has ended first.
     */
    requireAuth: onRequestHookHandler & preHandlerHookHandler
    /** As `requireAuth`, and 403 (`LE_AUTH_ADMIN_REQUIRED`) for users who are not administrators of the account. */
    requireAdmin: onRequestHookHandler & preHandlerHookHandler
  }

  interface FastifyRequest {
    /** Who is logged in, and what the app can do for them; `null` when nobody is. */
    leAuth: Authentication | null
  }

  interface FastifyContextConfig {
    /** The plugin's own route, which `requireAuth` never guards: a login must be possible without a login. */
    leAuthRoute?: boolean
  }

  interface Session {
    /** The plugin's own; the app reads `request.leAuth` instead. */
    leAuth?: SessionLogin
  }
}
