import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction
} from 'fastify'

/**
 * No cache keeps a response of these routes (RFC 9111 §5.2.2.5), and no other site gets their
 * addresses (RFC 9700 §4.2.4). As an onSend hook it covers errors of earlier hooks as well.
 */
export function loginRouteHeaders(
  _request: FastifyRequest,
  reply: FastifyReply,
  _payload: unknown,
  done: HookHandlerDoneFunction
): void {
  reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer')
  done()
}

/** Fastify logs the URL of each request. On these routes its query holds the code and the state. */
export const withoutQueryInLog = {
  req: (request: FastifyRequest): object => ({
    method: request.method,
    url: withoutQuery(request.url),
    host: request.host,
    remoteAddress: request.ip,
    remotePort: request.socket?.remotePort
  })
}

/**
 * Removes the query of a request, also from the URL before the app's `rewriteUrl`. Fastify keeps
 * that one as soon as something has read it.
 */
export function removeQuery(request: FastifyRequest): void {
  const raw: { url?: string | undefined; originalUrl?: string } = request.raw
  raw.url = withoutQuery(raw.url!)
  if (raw.originalUrl !== undefined) raw.originalUrl = withoutQuery(raw.originalUrl)
  Object.defineProperty(request, 'originalUrl', { value: withoutQuery(request.originalUrl) })
}

/** A URL without its query, which may begin with a semicolon (`useSemicolonDelimiter`). */
export function withoutQuery(url: string): string {
  return url.split(/[?;]/, 1)[0]!
}

/**
 * Responds to other methods than GET on the callback. Fastify's 404 would repeat the whole URL in
 * its text and in the log. As a hook it never calls `done`, so nothing runs after it.
 */
export function refuseMethod(request: FastifyRequest, reply: FastifyReply, _done?: unknown): void {
  removeQuery(request)
  reply.code(405).header('allow', 'GET').send()
}

/**
 * Refuses the callback's path with an extra or a missing slash at the end, for the same reason as
 * {@link refuseMethod}.
 */
export function refuseOtherSlash(
  request: FastifyRequest,
  reply: FastifyReply,
  _done?: unknown
): void {
  removeQuery(request)
  reply.code(404).send()
}

/** The same path with a slash at the end, or without it. */
export function withOtherSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : `${path}/`
}

/** Whether the app has such a route itself, or its router ignores a trailing slash. */
export function knowsOtherSlash(app: FastifyInstance, path: string): boolean {
  if (path === '/') return true
  const config = app.initialConfig as SlashOptions & { routerOptions?: SlashOptions }
  return (
    config.ignoreTrailingSlash === true ||
    config.routerOptions?.ignoreTrailingSlash === true ||
    app.hasRoute({ method: 'GET', url: withOtherSlash(path) })
  )
}

interface SlashOptions {
  ignoreTrailingSlash?: boolean
}
