import Fastify, {
  type FastifyReply,
  type FastifyRequest,
  type FastifySchema,
  type FastifyTypeProviderDefault,
  type RawServerDefault,
  type RouteGenericInterface
} from 'fastify'
import leAuth, {
  LoginRefused,
  type LeAuthOptions,
  type LoginErrorEvent,
  type LoginEvent,
  type LoginHook,
  type LogoutEvent
} from 'fastify-le-auth'
import type { IncomingMessage } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import pino from 'pino'

const inline: LeAuthOptions = {
  onLogin({ user, returnPath }, request) {
    if (!user.isAdmin) throw new LoginRefused('Administrators only.')
    request.log.info({ returnPath }, request.url)
  },
  onLogout: async ({ revoked, revocationError }, _request, reply) => {
    if (revoked === false) return reply.code(502).send(revocationError?.message)
  },
  onLoginError: ({ error, retryPath }, request, reply) => {
    request.log.warn(error)
    return reply.redirect(retryPath)
  }
}
await Fastify().register(leAuth, inline)
await Fastify({ https: {} }).register(leAuth, inline)
await Fastify({ http2: true }).register(leAuth, inline)
await Fastify({ http2: true, https: {} }).register(leAuth, inline)
await Fastify({ loggerInstance: pino() }).register(leAuth, inline)
await Fastify().register(async () => inline)
await Fastify().register(leAuth, () => inline)

export const refusing: LoginHook = async ({ user }) => user.isAdmin

type SecureRequest = FastifyRequest<RouteGenericInterface, Http2SecureServer, Http2ServerRequest>
type SecureReply = FastifyReply<
  RouteGenericInterface,
  Http2SecureServer,
  Http2ServerRequest,
  Http2ServerResponse
>

/** Named functions, with the types of the default app and of one with HTTP/2. */
const onLogin = async ({ user }: LoginEvent, { log }: FastifyRequest, _reply: FastifyReply) => {
  log.info(user.id)
}
const onLogout = async (_event: LogoutEvent, request: SecureRequest, reply: SecureReply) => {
  if (request.raw.stream.aborted) return
  return reply.redirect('/')
}
const onLoginError = (event: LoginErrorEvent, _request: SecureRequest, reply: SecureReply) =>
  reply.redirect(event.retryPath)
await Fastify({ http2: true, https: {} }).register(leAuth, { onLogin, onLogout, onLoginError })

type LoggingRequest = FastifyRequest<
  RouteGenericInterface,
  RawServerDefault,
  IncomingMessage,
  FastifySchema,
  FastifyTypeProviderDefault,
  unknown,
  pino.Logger<'audit'>
>
const audit = (event: LoginEvent, { log }: LoggingRequest) => log.audit(event.user.id)
await Fastify().register(leAuth, { onLogin: audit })
