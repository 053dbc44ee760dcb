import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import './augmentation.js'
import { createAuthenticate } from './access/authenticate.js'
import { createLogout } from './access/logout.js'
import { logoutRoute } from './access/logout-route.js'
import { createGuards } from './access/require-auth.js'
import { createHttpClient } from './http.js'
import { createDomainApi } from './liveperson/domain-api.js'
import { serviceFetch } from './liveperson/service-fetch.js'
import { createCallback } from './login/callback.js'
import { createSpentStates } from './login/spent-states.js'
import { createLoginStart } from './login/start.js'
import { createLoginTransactions } from './login/transaction.js'
import type { LeAuthOptions, ResolvedOptions } from './options.js'
import { resolveOptions } from './resolve-options.js'
import { knowsOtherSlash, loginRouteHeaders, refuseMethod, refuseOtherSlash, withoutQueryInLog, withOtherSlash } from './route-headers.js'
import { createSentinelClient } from './sentinel/client.js'
import { sentinelEndpoints, type Sentinel } from './sentinel/endpoints.js'
import { refreshTokens } from './sentinel/refresh-tokens.js'
import { revokeToken } from './sentinel/revoke-token.js'
import { createLoginSessions } from './session/login-session.js'
import { isSharedStore, setUpSession } from './session/setup.js'
import { createRefresh } from './tokens/refresh.js'
import { createSealer } from './tokens/seal.js'
import { createTokenSetStore } from './tokens/token-set-store.js'

async function leAuth (app: FastifyInstance, rawOptions: LeAuthOptions): Promise<void> {
  const options = resolveOptions(rawOptions, process.env, app.prefix)
  const { now } = options

  const http = createHttpClient(options.httpTimeout, options.dispatcher)
  const domainApi = createDomainApi(options, http)
  const client = createSentinelClient({ ...options, loopback: options.trust.loopback }, http)
  const sentinelOf = async (accountId: string): Promise<Sentinel> =>
    sentinelEndpoints(await domainApi.originOf(accountId, 'sentinel'), accountId, options.apiVersion)
  const revoke = (accountId: string, refreshToken: string): Promise<void> => revokeToken(sentinelOf(accountId), client, refreshToken)

  const sharedStore = isSharedStore(app, options)
  const tokenSets = createTokenSetStore({ sealer: createSealer(options.secrets, 'token set'), refreshMargin: options.refreshMargin, absoluteLifetime: options.session.absoluteLifetime, sharedStore, now })
  const setup = await setUpSession(app, options, tokenSets)
  const sessions = createLoginSessions(app, options, setup, tokenSets)
  const refresh = createRefresh({
    tokenSets,
    sharedStore,
    now,
    revoke,
    ...(options.refreshLock !== undefined && { lock: options.refreshLock }),
    requestTokens: (accountId, userId, refreshToken) => refreshTokens(sentinelOf(accountId), client, { refreshToken, userId, now: now() })
  })
  app.addHook('onClose', async () => {
    // New tokens that were not stored would be lost, and with them the login.
    await refresh.settled()
    await http.close()
  })
  const authenticate = createAuthenticate(sessions, {
    tokenSets,
    now,
    refresh,
    callService: (call) => serviceFetch(http, domainApi, call),
    logout: createLogout({ options, sessions, tokenSets, unsavedTokens: refresh.unsavedTokens, revoke })
  })
  const guards = createGuards(options, sessions)
  app.decorateRequest('leAuth', null)
  app.addHook('onRequest', authenticate)
  app.decorate('requireAuth', guards.requireAuth)
  app.decorate('requireAdmin', guards.requireAdmin)

  const transactions = createLoginTransactions(options)
  const login = createLoginStart({ options, setup, domainApi, transactions })
  const callback = createCallback({ options, client, transactions, spentStates: createSpentStates(now, sharedStore, options.refreshLock), sessions, authenticate })
  addRoutes(app, options, login, callback)
  await app.register(async scope => logoutRoute(scope, options, sessions))
}

function addRoutes (app: FastifyInstance, { localRoutes, routes }: ResolvedOptions, login: RouteHandler, callback: RouteHandler): void {
  const route = { exposeHeadRoute: false, logSerializers: withoutQueryInLog, onSend: loginRouteHeaders, config: { leAuthRoute: true } }
  const otherMethods = app.supportedMethods.filter(method => method !== 'GET')
  app.get(localRoutes.login, route, login)
  app.get(localRoutes.callback, route, callback)
  app.route({ ...route, method: otherMethods, url: localRoutes.callback, onRequest: refuseMethod, handler: refuseMethod })
  if (knowsOtherSlash(app, routes.callback)) return
  app.route({ ...route, method: app.supportedMethods, url: withOtherSlash(localRoutes.callback), onRequest: refuseOtherSlash, handler: refuseOtherSlash })
}

type RouteHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

export default fp(leAuth, { fastify: '5.x', name: 'fastify-le-auth' })
