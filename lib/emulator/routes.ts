import fastifyCookie from '@fastify/cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authorizeRoutes } from './authorize/authorize.ts'
import { loginRoutes } from './authorize/login.ts'
import type { Endpoint } from './faults/faults.ts'
import { injectFaults } from './faults/injection.ts'
import type { FaultPlan } from './faults/plan.ts'
import { domainApiRoutes } from './liveperson/domain-api.ts'
import { usersApiRoutes } from './liveperson/users-api.ts'
import { refuseOtherHosts, refuseOtherMachines } from './loopback.ts'
import { formOf } from './parameters.ts'
import { handleRefusals } from './refusals.ts'
import type { RequestLog } from './request-log.ts'
import type { EmulatorState } from './state.ts'
import { jwksRoutes } from './token/jwks.ts'
import { revokeRoutes } from './token/revoke.ts'
import { tokenRoutes } from './token/token.ts'

interface RouteOptions {
  readonly state: EmulatorState
  readonly faults: FaultPlan
  readonly log: RequestLog
}

type AddRoutes = (app: FastifyInstance, state: EmulatorState) => void
type Family = Exclude<Endpoint, 'refresh'>

const FAMILIES: Readonly<Record<Family, AddRoutes>> = {
  domain: domainApiRoutes,
  authorize: authorizeRoutes,
  login: loginRoutes,
  token: tokenRoutes,
  revoke: revokeRoutes,
  jwks: jwksRoutes,
  users: usersApiRoutes
}

/** All routes of the emulator. Each family has its own scope, for its faults. */
export async function emulatorRoutes(
  app: FastifyInstance,
  { state, faults, log }: RouteOptions
): Promise<void> {
  refuseOtherHosts(app)
  if (!state.inContainer) refuseOtherMachines(app)
  if (!app.hasDecorator('parseCookie')) await app.register(fastifyCookie)
  readForms(app)
  handleRefusals(app, state.behaviour)
  for (const [family, addRoutes] of Object.entries(FAMILIES) as [Family, AddRoutes][]) {
    await app.register(async scope => {
      injectFaults(scope, request => {
        const endpoint = endpointOf(family, request)
        log.add(endpoint, request, state.now())
        return faults.take(endpoint)
      })
      addRoutes(scope, state)
    })
  }
}

function endpointOf(family: Family, request: FastifyRequest): Endpoint {
  const grantType = formOf(request)?.get('grant_type')
  return family === 'token' && grantType === 'refresh_token' ? 'refresh' : family
}

// Not the app's parsers: the routes must see repeated parameters, and must be the ones to refuse a
// wrong content type.
function readForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, new URLSearchParams(body as string))
  )
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null))
}
