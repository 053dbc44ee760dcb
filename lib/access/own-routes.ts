import type { FastifyRequest } from 'fastify'

/** Only this module can set it, and nothing inherits it. */
const OWN_ROUTE = Symbol('route of fastify-le-auth')

/** The `config` of the plugin's own routes. No guard stops them: a login needs no login. */
export const ownRoute: object = { [OWN_ROUTE]: true }

/** Whether a request is for one of the plugin's own routes. */
export function isOwnRoute(request: FastifyRequest): boolean {
  return Object.hasOwn(Object(request.routeOptions.config), OWN_ROUTE)
}
