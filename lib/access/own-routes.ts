import type { FastifyRequest } from 'fastify'

/** Only this module can write it, and nothing inherits it. */
const OWN_ROUTE = Symbol('route of fastify-le-auth')

/** The `config` of the plugin's own routes: no guard stands before them, for a login must be possible without a login. */
export const ownRoute: object = { [OWN_ROUTE]: true }

/** Whether a request is for a route of the plugin's own. */
export function isOwnRoute (request: FastifyRequest): boolean {
  return Object.hasOwn(Object(request.routeOptions.config), OWN_ROUTE)
}
