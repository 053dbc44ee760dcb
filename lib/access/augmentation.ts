/// <reference types="@fastify/cookie" preserve="true" />
/// <reference types="@fastify/session" preserve="true" />
import type { Authentication } from './authentication.ts'
import type { Guard } from './guards.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A hook that lets logged-in users through, as `onRequest` or `preHandler`. A browser that
     * opens a page is redirected to the login and back. Any other request gets 401 with the login's
     * URL. An expired access token is refreshed first.
     *
     * It exists only after `await app.register(leAuth)`. The exported `requireAuth` always exists.
     */
    requireAuth: Guard
    /**
     * The same as `requireAuth`, and 403 (`LE_AUTH_ADMIN_REQUIRED`) for users who do not administer
     * the account.
     */
    requireAdmin: Guard
  }

  interface FastifyRequest {
    /**
     * The user who is logged in, and what the app can do for them. `null` if nobody is logged in,
     * and `undefined` outside the scope that the plugin is registered in. `authOf(request)` is the
     * same and never null.
     */
    readonly leAuth: Authentication | null | undefined
  }

  interface Session {
    /** For the plugin only: the login that the session belongs to. */
    leAuth?: string
  }
}
