import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import './access/augmentation.ts'
import { addAccess } from './access/add-access.ts'
import { Authenticator } from './access/authenticate.ts'
import type { Collaborators } from './access/authentication.ts'
import { setUpCookies } from './access/cookies.ts'
import { CurrentAuthentication } from './access/current-authentication.ts'
import { ErrorResponses } from './access/error-responses.ts'
import { Guards } from './access/guards.ts'
import { LoginCookie } from './access/login-cookie.ts'
import { Logout } from './access/logout.ts'
import { LogoutMark } from './access/logout-mark.ts'
import { explainTakenNames, refuseTakenNames } from './access/names.ts'
import { HttpClient } from './http/client.ts'
import { DomainApi } from './liveperson/domain-api.ts'
import { addLoginRoutes } from './login/add-login-routes.ts'
import { Callback } from './login/callback.ts'
import { CrossSiteStart } from './login/cross-site-start.ts'
import { LoginFailures } from './login/login-failures.ts'
import { LoginCreator } from './login/login-creator.ts'
import { LoginStart } from './login/start.ts'
import { LoginTransactions } from './login/transaction.ts'
import { Refusals } from './login/refusals.ts'
import { UsedStates } from './login/used-states.ts'
import { UserSwitch } from './login/user-switch.ts'
import type { LeAuthOptions } from './options/options.ts'
import type { ResolvedOptions } from './options/resolved-options.ts'
import { resolveOptions } from './options/resolve-options.ts'
import { AuthorizationRequests } from './sentinel/authorization-url.ts'
import { SentinelService } from './sentinel/service.ts'
import { setUpStorage, type Storage } from './session/storage.ts'
import { Sealer } from './store/seal.ts'
import { createLoginServices, type LoginServices } from './tokens/login-services.ts'

async function leAuth(app: FastifyInstance, rawOptions: LeAuthOptions): Promise<void> {
  refuseTakenNames(app)
  const options = resolveOptions(rawOptions, process.env, app.prefix)
  await setUpCookies(app)
  const base = { ...connect(options), ...createStorage(app, options) }
  const logins = createLogins(options, base)
  const access = createAccess(options, base, logins)
  const steps = createLoginSteps(options, { ...base, ...logins, ...access })
  app.addHook('onClose', async () => {
    logins.signals.close()
    // New tokens that are not stored yet would be lost, and their logins with them.
    await logins.refresher.idle()
    await base.http.close()
  })
  await addAccess(app, access)
  await addLoginRoutes(app, options.paths, { ...steps, sessions: base.sessions })
  explainTakenNames(app)
}

/** What makes calls to LivePerson. */
function connect({ authorization, client, clock, hosts, http: settings }: ResolvedOptions) {
  const { now } = clock
  const http = new HttpClient(settings, clock)
  const domainApi = new DomainApi({ ...hosts, now }, http)
  const sentinel = new SentinelService(
    {
      ...client,
      apiVersion: authorization.apiVersion,
      idTokenSignature: authorization.idTokenSignature,
      originOf: accountId => domainApi.originOf(accountId, 'sentinel'),
      loopback: hosts.trust.loopback,
      now
    },
    http
  )
  const callService: Collaborators['callService'] = async call => {
    const { serviceFetch } = await import('./liveperson/service-fetch.ts')
    return serviceFetch(http, domainApi, call)
  }
  return { http, sentinel, callService }
}

/** Where logins and sessions are kept. */
function createStorage(app: FastifyInstance, options: ResolvedOptions): Storage & Sealed {
  const { cookie, keep, lifetimes, secrets } = options
  const session = { cookie, keep, lifetime: lifetimes.absolute, secrets }
  const storage = setUpStorage(app, options, session)
  return { ...storage, sealer: new Sealer(secrets) }
}

interface Sealed {
  sealer: Sealer
}

type Base = ReturnType<typeof connect> & Storage & Sealed

/** What makes logins, keeps their tokens fresh, and ends them. */
function createLogins(
  { accountId, client, clock, lifetimes, lock, refreshLeeway }: ResolvedOptions,
  { records, sealer, sentinel }: Base
): LoginServices {
  const settings = { accountId, clientId: client.clientId, lifetimes }
  return createLoginServices({ records, sealer, clock, lock, sentinel }, settings, refreshLeeway)
}

/** What decides who may pass, and acts for users. */
function createAccess(
  options: ResolvedOptions,
  { callService, sessions }: Base,
  { logins, ...parts }: LoginServices
) {
  const { accountId, backgroundWork, clock, hooks, lifetimes, paths } = options
  const { name, attributes } = options.cookie
  const { ends, tokens } = parts
  const current = new CurrentAuthentication()
  const cookie = new LoginCookie({ name, attributes }, lifetimes.absolute)
  const mark = new LogoutMark({ name, attributes })
  const { onLogout } = hooks
  const logout = new Logout({ ends, tokens, sessions, cookie, mark, current, onLogout })
  const collaborators: Collaborators = { ...parts, callService, logout, clock, backgroundWork }
  const responses = new ErrorResponses(current, paths)
  const authenticator = new Authenticator({
    cookie,
    logins,
    ends,
    current,
    sessions,
    responses,
    collaborators
  })
  const guards = new Guards(current, paths, responses)
  return {
    accountId,
    paths,
    authenticator,
    collaborators,
    cookie,
    current,
    guards,
    responses,
    logout,
    mark
  }
}

type Access = ReturnType<typeof createAccess>

type Parts = Base & LoginServices & Access

/** GET /login, POST /login and GET /callback. */
function createLoginSteps(options: ResolvedOptions, parts: Parts) {
  const shared = createTransactions(options, parts)
  const { refusals } = shared
  return {
    start: createStart(options, parts, shared),
    callback: createCallback(options, parts, shared),
    userSwitch: new UserSwitch({ refusals, ends: parts.collaborators.ends }, options.paths)
  }
}

function createTransactions(
  { accountId, authorization, client, clock, cookie, hooks, hosts, paths }: ResolvedOptions,
  { sealer }: Parts
) {
  const { clientId, redirectUri } = client
  const { pkce } = authorization
  const settings = { accountId, clientId, redirectUri, cookie, pkce, hosts, now: clock.now }
  const transactions = new LoginTransactions(sealer, settings)
  const refusals = new Refusals(sealer, settings)
  const { onLoginError } = hooks
  const failures = new LoginFailures({ accountId, loginPath: paths.login, onLoginError, refusals })
  return { transactions, failures, refusals }
}

type Shared = ReturnType<typeof createTransactions>

function createStart(
  { accountId, authorization, client, clock, hosts, paths }: ResolvedOptions,
  { sentinel, current, mark }: Parts,
  shared: Shared
): LoginStart {
  const { clientId, redirectUri } = client
  const { method, scope } = authorization
  const authorizationRequests = new AuthorizationRequests({ clientId, redirectUri, scope })
  const crossSite = new CrossSiteStart({ current, mark }, paths)
  return new LoginStart(
    { ...shared, sentinel, authorizationRequests, crossSite },
    { accountId, paths, method, trustedDomains: hosts.trust.domains, now: clock.now }
  )
}

function createCallback(
  { client, clock, hooks, lock, paths }: ResolvedOptions,
  { records, sealer, sentinel, logins, sessions, cookie, current, mark, collaborators }: Parts,
  shared: Shared
): Callback {
  const usedStates = new UsedStates({ records, sealer, lock, now: clock.now })
  const { onLogin } = hooks
  const loginCreator = new LoginCreator({
    logins,
    sessions,
    cookie,
    mark,
    current,
    collaborators,
    refusals: shared.refusals,
    onLogin
  })
  return new Callback(
    { ...shared, sentinel, usedStates, loginCreator, current, clock },
    { redirectUri: client.redirectUri, afterLogin: paths.afterLogin }
  )
}

export default fp(leAuth, { fastify: '5.x', name: 'fastify-le-auth' })
