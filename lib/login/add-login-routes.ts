import type { FastifyInstance } from 'fastify'
import { ownRoute } from '../access/own-routes.ts'
import {
  knowsOtherSlash,
  loginRouteHeaders,
  refuseMethod,
  refuseOtherSlash,
  withoutQueryInLog,
  withOtherSlash
} from '../http/route-headers.ts'
import type { AppPaths } from '../options/resolved-options.ts'
import type { AppSessions } from '../session/app-sessions.ts'
import type { Callback } from './callback.ts'
import type { LoginStart } from './start.ts'
import type { UserSwitch } from './user-switch.ts'

interface LoginRouteParts {
  start: LoginStart
  callback: Callback
  userSwitch: UserSwitch
  sessions: AppSessions
}

/**
 * Adds GET /login, POST /login and GET /callback. Refuses the callback with another method, or
 * with another slash at the end.
 */
export async function addLoginRoutes(
  app: FastifyInstance,
  { localRoutes, routes }: AppPaths,
  { start, callback, userSwitch, sessions }: LoginRouteParts
): Promise<void> {
  const route = {
    exposeHeadRoute: false,
    logSerializers: withoutQueryInLog,
    onSend: loginRouteHeaders,
    config: ownRoute
  }
  const onSend = [loginRouteHeaders, sessions.noticeVisitor]
  app.get(localRoutes.login, { ...route, onSend }, start.handle)
  await app.register(userSwitch.addRoute)
  app.get(localRoutes.callback, route, callback.handle)
  app.route({
    ...route,
    method: app.supportedMethods.filter(method => method !== 'GET'),
    url: localRoutes.callback,
    onRequest: refuseMethod,
    handler: refuseMethod
  })
  if (knowsOtherSlash(app, routes.callback)) return
  app.route({
    ...route,
    method: app.supportedMethods,
    url: withOtherSlash(localRoutes.callback),
    onRequest: refuseOtherSlash,
    handler: refuseOtherSlash
  })
}
