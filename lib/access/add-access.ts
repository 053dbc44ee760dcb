import type { FastifyInstance, FastifyRequest } from 'fastify'
import { leAuthError } from '../errors.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import type { Authenticator } from './authenticate.ts'
import type { CurrentAuthentication } from './current-authentication.ts'
import type { Guards } from './guards.ts'
import { logoutRoute } from './logout-route.ts'
import type { Logout } from './logout.ts'
import { setRegistration } from './registration.ts'

interface Access {
  accountId: string
  paths: AppPaths
  authenticator: Authenticator
  current: CurrentAuthentication
  guards: Guards
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
  app.addHook('onRoute', guards.checkAgainLast)
  await app.register(async scope => logoutRoute(scope, access))
}

/** @throws LE_AUTH_SETUP_INVALID */
export function refuseTakenNames(app: FastifyInstance): void {
  const decorator = ['requireAuth', 'requireAdmin'].find(name => app.hasDecorator(name))
  const taken = app.hasRequestDecorator('leAuth') ? 'request.leAuth' : decorator
  if (taken === undefined) return
  throw leAuthError('LE_AUTH_SETUP_INVALID', {
    reason: 'name_taken',
    problem:
      ` the name ${taken} is taken in this scope, by another plugin or by another ` +
      'registration of fastify-le-auth. Register fastify-le-auth once, in a scope of its own ' +
      '(app.register(async scope => { … })), or rename the other decorator.'
  })
}
