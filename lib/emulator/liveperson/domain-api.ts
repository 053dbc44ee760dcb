import type { FastifyInstance, FastifyRequest } from 'fastify'
import { queryOf } from '../parameters.ts'
import { ApiRefusal, sendJson } from '../refusals.ts'
import { findAccount } from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'

type OfAccount = { Params: { accountId: string } }
type OfService = { Params: { accountId: string; service: string } }

const SERVICE_PATH = '/api/account/:accountId/service'

/** The services that applications look up most. Their names are case-sensitive. */
const SERVICES = [
  'sentinel',
  'accountConfigReadOnly',
  'accountConfigReadWrite',
  'msgHist',
  'asyncMessagingEnt',
  'messagingRestApiDomain',
  'leDataReporting',
  'agentVep',
  'faasGW'
]

/** The Domain API: the host of each LivePerson service of an account, here the emulator's own. */
export function domainApiRoutes(app: FastifyInstance, state: EmulatorState): void {
  app.get<OfAccount>(`${SERVICE_PATH}/baseURI.json`, (request, reply) =>
    sendJson(reply, { baseURIs: allServices(state, accountOf(request, state)) })
  )

  app.get<OfService>(`${SERVICE_PATH}/:service/baseURI.json`, (request, reply) => {
    const services = allServices(state, accountOf(request, state))
    const found = services.find(({ service }) => service === request.params.service)
    if (!found) throw new ApiRefusal(400, `there is no service ${request.params.service}`)
    const isList = state.behaviour.domainShape === 'list'
    return sendJson(reply, isList ? { baseURIs: services } : found)
  })
}

function accountOf(request: FastifyRequest<OfAccount>, { accounts }: EmulatorState): string {
  const { accountId } = request.params
  if (queryOf(request).get('version') !== '1.0') throw new ApiRefusal(400, 'version must be 1.0')
  if (findAccount(accounts, accountId)) return accountId
  throw new ApiRefusal(401, `there is no account ${accountId}`)
}

function allServices(state: EmulatorState, account: string) {
  const baseURI = state.host()
  return SERVICES.map(service => ({ service, account, baseURI }))
}
