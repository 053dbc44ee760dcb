import type {} from '@fastify/cookie'
import type {} from '@fastify/session'
import type { Authentication } from './authentication.js'
import type { Guard } from './guards.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Lets logged-in users through, as `onRequest` or `preHandler`. A browser that opens a page is sent to the login and
     * back; anything else gets 401 with the login's URL. Refreshes an access token that has ended first.
     */
    requireAuth: Guard
    /** As `requireAuth`, and 403 (`LE_AUTH_ADMIN_REQUIRED`) for users who are not administrators of the account. */
    requireAdmin: Guard
  }

  interface FastifyRequest {
    /** Who is logged in, and what the app can do for them; `null` if nobody is, `undefined` outside the scope that the plugin is registered in. */
    readonly leAuth: Authentication | null | undefined
  }

  interface Session {
    /** The plugin's own: which login the session belongs to. The app reads `request.leAuth` instead. */
    leAuth?: string
  }
}
