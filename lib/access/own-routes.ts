import type { FastifyRequest, RouteOptions } from 'fastify'

/** Only this module can set it, and nothing inherits it. */
const OWN_ROUTE = Symbol('route of fastify-le-auth')

/** The `config` of the plugin's own routes. No guard stops them: a login needs no login. */
export const ownRoute: object = { [OWN_ROUTE]: true }

/** Whether a request is for one of the plugin's own routes. */
export function isOwnRoute(request: FastifyRequest): boolean {
  return isMarked(request.routeOptions)
}

/**
 * Makes the onRoute hook for them. It keeps them out of an OpenAPI document (@fastify/swagger):
 * they are for browsers, and some have methods that OpenAPI does not know.
 *
 * @param errorHandler responds to the errors that they throw
 */
export function ownRouteHook(
  errorHandler: NonNullable<RouteOptions['errorHandler']>
): (route: RouteOptions) => void {
  return route => {
    if (isMarked(route)) Object.assign(route, { errorHandler, schema: { hide: true } })
  }
}

function isMarked({ config }: Pick<RouteOptions, 'config'>): boolean {
  return Object.hasOwn(Object(config), OWN_ROUTE)
}
