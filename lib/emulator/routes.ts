import fastifyCookie from '@fastify/cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authorizeRoutes } from './authorize/authorize.js'
import { loginRoutes } from './authorize/login.js'
import type { Endpoint } from './faults/faults.js'
import { injectFaults } from './faults/injection.js'
import type { FaultPlan } from './faults/plan.js'
import { domainApiRoutes } from './liveperson/domain-api.js'
import { usersApiRoutes } from './liveperson/users-api.js'
import { refuseOtherMachines } from './loopback.js'
import { formOf } from './parameters.js'
import { handleRefusals } from './refusals.js'
import type { RequestLog } from './request-log.js'
import type { EmulatorState } from './state.js'
import { jwksRoutes } from './token/jwks.js'
import { revokeRoutes } from './token/revoke.js'
import { tokenRoutes } from './token/token.js'

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

/** All of the emulator's addresses, each family in a scope of its own that knows its name. */
export async function emulatorRoutes (
  app: FastifyInstance, { state, faults, log }: { state: EmulatorState, faults: FaultPlan, log: RequestLog }
): Promise<void> {
  refuseOtherMachines(app)
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

function endpointOf (family: Family, request: FastifyRequest): Endpoint {
  return family === 'token' && formOf(request)?.get('grant_type') === 'refresh_token' ? 'refresh' : family
}

// Its own parser, not the app's: repeated parameters must stay visible, and a wrong content type is Sentinel's to refuse.
function readForms (app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' },
    (_request, body, done) => done(null, new URLSearchParams(body as string)))
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null))
}
