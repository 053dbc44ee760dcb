import type { FastifyRequest } from 'fastify'
import { formOf, queryOf, repeatedName, valueOf } from '../parameters.js'
import { OAuthRefusal } from '../refusals.js'
import { isSameSecret } from '../secrets.js'
import { findAccount, findApplication, type Application } from '../settings/accounts.js'
import type { EmulatorState } from '../state.js'

/** A request of an application's server, to the token or the revocation endpoint. */
export interface ClientRequest {
  readonly version: string
  readonly accountId: string
  readonly clientId: string
  readonly form: URLSearchParams
}

/**
 * Checks the form of a request and the application that sent it (RFC 6749 §2.3.1, §3.2).
 * @throws OAuthRefusal
 */
export function readClientRequest (
  emulator: EmulatorState, request: FastifyRequest<{ Params: { accountId: string } }>, versions: readonly string[]
): ClientRequest {
  const { accountId } = request.params
  const version = checkQuery(queryOf(request), versions)
  const form = checkForm(formOf(request))
  const { clientId } = authenticated(emulator, accountId, form)
  return { version, accountId, clientId, form }
}

function checkQuery (query: URLSearchParams, versions: readonly string[]): string {
  const version = valueOf(query, 'v') ?? ''
  if (!versions.includes(version)) throw new OAuthRefusal('invalid_request', `v must be ${versions.join(' or ')}`)
  if (query.has('client_secret')) throw new OAuthRefusal('invalid_request', 'client_secret belongs in the body')
  return version
}

function checkForm (form: URLSearchParams | undefined): URLSearchParams {
  if (!form) throw new OAuthRefusal('invalid_request', 'the body must be application/x-www-form-urlencoded')
  const repeated = repeatedName(form)
  if (repeated) throw new OAuthRefusal('invalid_request', `${repeated} was sent more than once`)
  return form
}

// Sentinel deviates: the application proves itself in the body only, never by HTTP Basic.
function authenticated ({ accounts }: EmulatorState, accountId: string, form: URLSearchParams): Application {
  const account = findAccount(accounts, accountId)
  const application = account && findApplication(account, valueOf(form, 'client_id'))
  if (!application || !isSameSecret(application.clientSecret, form.get('client_secret') ?? '')) {
    throw new OAuthRefusal('invalid_client', 'account, client_id or client_secret is not right')
  }
  return application
}
