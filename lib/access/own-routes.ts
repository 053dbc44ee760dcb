import type { FastifyRequest, FastifySchema, RouteOptions } from 'fastify'

/** Only this module can set it, and nothing inherits it. */
const OWN_ROUTE = Symbol('route of fastify-le-auth')

/** The `config` of the plugin's own routes. No guard stops them: a login needs no login. */
export const ownRoute: object = { [OWN_ROUTE]: true }

/** Whether a request is for one of the plugin's own routes. */
export function isOwnRoute(request: FastifyRequest): boolean {
  return isMarked(request.routeOptions)
}

/**
 * An onRoute hook that keeps them out of an OpenAPI document (@fastify/swagger): they are for
 * browsers, and some have methods that OpenAPI does not know.
 */
export function hideOwnRoute(route: RouteOptions): void {
  if (isMarked(route)) route.schema = { hide: true } as FastifySchema
}

function isMarked({ config }: Pick<RouteOptions, 'config'>): boolean {
  return Object.hasOwn(Object(config), OWN_ROUTE)
}
