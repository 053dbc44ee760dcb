import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AppPaths } from '../options/resolved-options.ts'
import type { Authenticator } from './authenticate.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import type { ErrorResponses } from './error-responses.ts'
import type { Guards } from './guards.ts'
import { logoutRoute } from './logout-route.ts'
import type { Logout } from './logout.ts'
import { ownRouteHook } from './own-routes.ts'
import { setRegistration } from './registration.ts'

interface Access {
  accountId: string
  paths: AppPaths
  authenticator: Authenticator
  current: CurrentAuthentication
  guards: Guards
  responses: ErrorResponses
  logout: Logout
}

/** Adds the decorators, the hooks that find out who is logged in, and POST /logout. */
export async function addAccess(app: FastifyInstance, access: Access): Promise<void> {
  const { authenticator, current, guards } = access
  app.decorateRequest('leAuth', {
    getter(this: FastifyRequest) {
      return current.of(this)
    }
  })
  app.decorate('requireAuth', guards.requireAuth)
  app.decorate('requireAdmin', guards.requireAdmin)
  setRegistration(app, { guards, current })
  app.addHook('onRequest', authenticator.authenticate)
  // This hook is for routes that were defined before the plugin. On later routes, it also runs as
  // the last hook.
  app.addHook('preHandler', guards.checkAgain)
  app.addHook('onRoute', guards.onRoute)
  app.addHook('onRoute', ownRouteHook(access.responses.handle))
  await app.register(async scope => logoutRoute(scope, access))
}
