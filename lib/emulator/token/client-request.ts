import type { FastifyRequest } from 'fastify'
import { formOf, queryOf, repeatedName, valueOf } from '../parameters.ts'
import { OAuthRefusal } from '../refusals.ts'
import { isSameSecret } from '../secrets.ts'
import { findAccount, findApplication, type Application } from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'

/** A request of an application's server to the token or revocation endpoint. */
export interface ClientRequest {
  readonly version: string
  readonly accountId: string
  readonly clientId: string
  readonly form: URLSearchParams
}

/**
 * Reads a request, checks its shape, and authenticates the application that sent it
 * (RFC 6749 §2.3.1, §3.2).
 * @param versions the accepted values of the parameter `v`
 * @throws OAuthRefusal if the request is malformed, or the application cannot be authenticated
 */
export function readClientRequest(
  emulator: EmulatorState,
  request: FastifyRequest<{ Params: { accountId: string } }>,
  versions: readonly string[]
): ClientRequest {
  const { accountId } = request.params
  const version = checkQuery(queryOf(request), versions)
  const form = checkForm(formOf(request))
  const { clientId } = authenticate(emulator, accountId, form)
  return { version, accountId, clientId, form }
}

function checkQuery(query: URLSearchParams, versions: readonly string[]): string {
  const version = valueOf(query, 'v') ?? ''
  if (!versions.includes(version)) {
    throw new OAuthRefusal('invalid_request', `v must be ${versions.join(' or ')}`)
  }
  if (query.has('client_secret')) {
    throw new OAuthRefusal('invalid_request', 'send client_secret in the body, not in the query')
  }
  return version
}

function checkForm(form: URLSearchParams | undefined): URLSearchParams {
  if (!form) {
    const description = 'the body must be application/x-www-form-urlencoded'
    throw new OAuthRefusal('invalid_request', description)
  }
  const repeated = repeatedName(form)
  if (repeated) throw new OAuthRefusal('invalid_request', `${repeated} was sent more than once`)
  return form
}

// Sentinel deviates: it reads the application's credentials from the body only, not HTTP Basic.
function authenticate(
  { accounts }: EmulatorState,
  accountId: string,
  form: URLSearchParams
): Application {
  const account = findAccount(accounts, accountId)
  const application = account && findApplication(account, valueOf(form, 'client_id'))
  const secret = form.get('client_secret') ?? ''
  if (!application || !isSameSecret(application.clientSecret, secret)) {
    throw new OAuthRefusal('invalid_client', 'the account, client_id or client_secret is wrong')
  }
  return application
}
