import type { FastifyReply, FastifyRequest, RouteGenericInterface } from 'fastify'

/**
 * A request of any app, also with HTTP/2. The other type parameters keep their defaults: Fastify
 * infers the types of a route from its hooks as well, and `any` would hide those of its schema.
 */
export type AnyRequest = FastifyRequest<RouteGenericInterface, any, any>

/** The reply to {@link AnyRequest}. */
export type AnyReply = FastifyReply<RouteGenericInterface, any, any, any>
