import type { FastifyInstance, FastifyRequest } from 'fastify'
import { queryOf } from '../parameters.js'
import { ApiRefusal, sendJson } from '../refusals.js'
import { findAccount } from '../settings/accounts.js'
import type { EmulatorState } from '../state.js'

/** The services an application asks for most; names are case sensitive. */
const SERVICES = [
  'sentinel', 'accountConfigReadOnly', 'accountConfigReadWrite', 'msgHist', 'asyncMessagingEnt',
  'messagingRestApiDomain', 'leDataReporting', 'agentVep', 'faasGW'
]

/** The Domain API: which host serves which LivePerson service of an account. Here it is always the emulator's own. */
export function domainApiRoutes (app: FastifyInstance, state: EmulatorState): void {
  app.get<{ Params: { accountId: string } }>('/api/account/:accountId/service/baseURI.json', (request, reply) =>
    sendJson(reply, { baseURIs: allServices(state, accountOf(request, state)) }))

  app.get<{ Params: { accountId: string, service: string } }>(
    '/api/account/:accountId/service/:service/baseURI.json', (request, reply) => {
      const services = allServices(state, accountOf(request, state))
      const found = services.find(({ service }) => service === request.params.service)
      if (!found) throw new ApiRefusal(400, `no service ${request.params.service}`)
      return sendJson(reply, state.behaviour.domainShape === 'list' ? { baseURIs: services } : found)
    })
}

function accountOf (request: FastifyRequest<{ Params: { accountId: string } }>, { accounts }: EmulatorState): string {
  const { accountId } = request.params
  if (queryOf(request).get('version') !== '1.0') throw new ApiRefusal(400, 'version must be 1.0')
  if (!findAccount(accounts, accountId)) throw new ApiRefusal(401, `no account ${accountId}`)
  return accountId
}

function allServices (state: EmulatorState, account: string) {
  const baseURI = state.host()
  return SERVICES.map(service => ({ service, account, baseURI }))
}
