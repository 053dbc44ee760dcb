import cookie from '@fastify/cookie'
import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import { leAuthError } from '../errors.ts'

/**
 * Registers @fastify/cookie, unless the app has. The app's own may be set to parse cookies late or
 * never (`hook`), but who is logged in is decided at once.
 *
 * @throws LE_AUTH_SETUP_INVALID
 */
export async function setUpCookies(app: FastifyInstance): Promise<void> {
  if (!app.hasRequestDecorator('cookies')) await app.register(cookie)
  else {
    refuseOtherPlugins(app)
    app.addHook('onRequest', await parsingHook(app))
  }
}

function refuseOtherPlugins(app: FastifyInstance): void {
  if (app.hasDecorator('parseCookie') && app.hasReplyDecorator('setCookie')) return
  throw leAuthError('LE_AUTH_SETUP_INVALID', {
    reason: 'cookie_plugin',
    problem:
      ' request.cookies belongs to another plugin than @fastify/cookie. Use @fastify/cookie, ' +
      'or register the other plugin in a scope of its own.'
  })
}

type Register = (app: FastifyInstance, options: object) => Promise<void>

/** The hook of @fastify/cookie that parses cookies. It does nothing if they are parsed already. */
async function parsingHook(app: FastifyInstance): Promise<onRequestHookHandler> {
  const hooks = new Map<string, onRequestHookHandler>()
  const ignored = { value: () => {} }
  const scope = Object.create(app, {
    addHook: { value: (name: string, hook: onRequestHookHandler) => hooks.set(name, hook) },
    decorate: ignored,
    decorateRequest: ignored,
    decorateReply: ignored
  }) as FastifyInstance
  await (cookie as unknown as Register)(scope, {})
  return hooks.get('onRequest')!
}
