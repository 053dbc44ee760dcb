import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'

/**
 * No cache keeps an answer of these routes (RFC 9111 §5.2.2.5), and no address of theirs reaches another site (RFC 9700
 * §4.2.4). An onSend hook, so that it holds for errors of hooks that come before the route's own as well.
 */
export function loginRouteHeaders (_request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: HookHandlerDoneFunction): void {
  reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer')
  done()
}

/** Fastify logs each request with its URL; on these routes the query stays out, for it holds the code and the state. */
export const withoutQueryInLog = {
  req: (request: FastifyRequest): object => ({
    method: request.method,
    url: withoutQuery(request.url),
    host: request.host,
    remoteAddress: request.ip,
    remotePort: request.socket?.remotePort
  })
}

/** An address without its query, which a semicolon may begin as well (`useSemicolonDelimiter`). */
export function withoutQuery (url: string): string {
  return url.split(/[?;]/, 1)[0]!
}

/**
 * Only GET is a callback. Any other method is answered here and not by Fastify's 404, whose text and log line
 * would repeat the whole URL. As a hook it never says that it is done, so nothing comes after it.
 */
export function refuseMethod (_request: FastifyRequest, reply: FastifyReply, _done?: unknown): void {
  reply.code(405).header('allow', 'GET').send()
}

/** The callback with a slash too many, or too few, is no callback, and Fastify's 404 is not for it either. */
export function refuseOtherSlash (_request: FastifyRequest, reply: FastifyReply, _done?: unknown): void {
  reply.code(404).send()
}

/** The same path with a slash at the end, or without it. */
export function withOtherSlash (path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : `${path}/`
}

/** Whether the app answers there already: by a route of its own, or because its router takes both for the same. */
export function knowsOtherSlash (app: FastifyInstance, path: string): boolean {
  if (path === '/') return true
  const config = app.initialConfig as SlashOptions & { routerOptions?: SlashOptions }
  return config.ignoreTrailingSlash === true || config.routerOptions?.ignoreTrailingSlash === true ||
    app.hasRoute({ method: 'GET', url: withOtherSlash(path) })
}

interface SlashOptions {
  ignoreTrailingSlash?: boolean
}
