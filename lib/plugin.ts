import cookie from '@fastify/cookie'
import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import './access/augmentation.js'
import { createAuthenticate } from './access/authenticate.js'
import type { Collaborators } from './access/authentication.js'
import { CurrentAuthentication } from './access/current.js'
import { Guards, installGuards } from './access/guards.js'
import { LoginCookie } from './access/login-cookie.js'
import { createLogout } from './access/logout.js'
import { logoutRoute } from './access/logout-route.js'
import { ownRoute } from './access/own-routes.js'
import { leAuthError } from './errors.js'
import { createHttpClient } from './http/client.js'
import { createDomainApi } from './liveperson/domain-api.js'
import type { ServiceCall } from './liveperson/service-fetch.js'
import { Callback } from './login/callback.js'
import { SpentStates } from './login/spent-states.js'
import { createLoginStart } from './login/start.js'
import { createLoginTransactions } from './login/transaction.js'
import { LoginRecords } from './logins/login-records.js'
import { Logins } from './logins/logins.js'
import type { LeAuthOptions, ResolvedOptions } from './options/options.js'
import { resolveOptions } from './options/resolve-options.js'
import { knowsOtherSlash, loginRouteHeaders, refuseMethod, refuseOtherSlash, withoutQueryInLog, withOtherSlash } from './http/route-headers.js'
import { sentinelEndpoints, type Sentinel } from './sentinel/endpoints.js'
import { SentinelService } from './sentinel/service.js'
import { setUpStorage } from './session/storage.js'
import { Sealer } from './store/seal.js'
import { Refresh } from './tokens/refresh.js'
import { refreshTime } from './tokens/refresh-time.js'
import { Renewal } from './tokens/renewal.js'

async function leAuth (app: FastifyInstance, rawOptions: LeAuthOptions): Promise<void> {
  const options = resolveOptions(rawOptions, process.env, app.prefix)
  refuseTakenNames(app)
  const { clock, secrets, refreshLock, refreshMargin, session: { idleLifetime, absoluteLifetime } } = options
  if (!app.hasRequestDecorator('cookies')) await app.register(cookie)

  const http = createHttpClient(options.httpTimeout, clock, options.dispatcher)
  const domainApi = createDomainApi({ ...options, now: clock.now }, http)
  const sentinel = new SentinelService({ ...options, now: clock.now, loopback: options.trust.loopback }, http)
  const sentinelOf = async (accountId: string): Promise<Sentinel> =>
    sentinelEndpoints(await domainApi.originOf(accountId, 'sentinel'), accountId, options.apiVersion)
  const revoke = (accountId: string, refreshToken: string): Promise<void> => sentinel.revokeToken(sentinelOf(accountId), refreshToken)

  const sealer = new Sealer(secrets)
  const { stored, sessions } = setUpStorage(app, options)
  const records = new LoginRecords(stored, sealer, clock.now)
  const logins = new Logins(records, {
    ...options, idleLifetime, absoluteLifetime, refreshTime: (tokens, endsAt) => refreshTime(tokens, refreshMargin, endsAt)
  }, clock)
  const renewal = new Renewal({
    logins,
    records,
    clock,
    revoke,
    mayLose: stored.shared && refreshLock === undefined,
    requestTokens: (accountId, userId, refreshToken) => sentinel.refreshTokens(sentinelOf(accountId), { refreshToken, userId, now: clock.now() })
  })
  const refresh = new Refresh(renewal, refreshLock, clock)
  app.addHook('onClose', async () => {
    logins.close()
    // New tokens that were not stored would be lost, and with them the login.
    await refresh.settled()
    await http.close()
  })

  const loginCookie = new LoginCookie(options.session)
  const current = new CurrentAuthentication()
  const callService = async (call: ServiceCall): ReturnType<Collaborators['callService']> =>
    (await import('./liveperson/service-fetch.js')).serviceFetch(http, domainApi, call)
  const logout = createLogout({ logins, sessions, cookie: loginCookie, current, revoke, onLogout: options.onLogout })
  const collaborators: Collaborators = { logins, refresh, callService, logout, clock }
  const guards = new Guards(current, options)
  app.decorateRequest('leAuth', { getter (this: FastifyRequest) { return current.of(this) } })
  app.decorate('requireAuth', guards.requireAuth)
  app.decorate('requireAdmin', guards.requireAdmin)
  installGuards(app, guards)
  app.addHook('onRequest', createAuthenticate({ cookie: loginCookie, logins, current, sessions, collaborators }))
  // For routes that were defined before this plugin; the others get it as their last hook as well.
  app.addHook('preHandler', guards.lookAgain)
  app.addHook('onRoute', guards.lookAgainLast)

  const transactions = createLoginTransactions(options, sealer)
  const spentStates = new SpentStates({ records: stored, sealer, lock: refreshLock, now: clock.now })
  const start = createLoginStart({ options, domainApi, transactions })
  const callback = new Callback({ options, sentinel, transactions, spentStates, sessions, cookie: loginCookie, current, collaborators })
  addRoutes(app, options, start, callback.handle)
  await app.register(async scope => logoutRoute(scope, { options, logins, sessions, cookie: loginCookie, current, revoke }))
}

/** @throws LE_AUTH_SETUP_INVALID */
function refuseTakenNames (app: FastifyInstance): void {
  const taken = ['requireAuth', 'requireAdmin'].find(name => app.hasDecorator(name)) ?? (app.hasRequestDecorator('leAuth') ? 'request.leAuth' : undefined)
  if (taken === undefined) return
  throw leAuthError('LE_AUTH_SETUP_INVALID', {
    detail: `the name ${taken} is taken in this scope, by another plugin or by another registration of fastify-le-auth. Register fastify-le-auth once, in a scope of its own (app.register(async scope => { … })), or rename the other decorator.`
  })
}

function addRoutes (app: FastifyInstance, { localRoutes, routes }: ResolvedOptions, start: RouteHandler, callback: RouteHandler): void {
  const route = { exposeHeadRoute: false, logSerializers: withoutQueryInLog, onSend: loginRouteHeaders, config: ownRoute }
  const otherMethods = app.supportedMethods.filter(method => method !== 'GET')
  app.get(localRoutes.login, route, start)
  app.get(localRoutes.callback, route, callback)
  app.route({ ...route, method: otherMethods, url: localRoutes.callback, onRequest: refuseMethod, handler: refuseMethod })
  if (knowsOtherSlash(app, routes.callback)) return
  app.route({ ...route, method: app.supportedMethods, url: withOtherSlash(localRoutes.callback), onRequest: refuseOtherSlash, handler: refuseOtherSlash })
}

type RouteHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

export default fp(leAuth, { fastify: '5.x', name: 'fastify-le-auth' })
