import { repeatedName, valueOf } from '../parameters.ts'
import { PageRefusal, RedirectRefusal } from '../refusals.ts'
import { findAccount, findApplication, type Application } from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { errorLocation } from './authorization-response.ts'
import { checkPkceRequest } from './pkce.ts'

/**
 * Reads and checks an authorization request (RFC 6749 §4.1.1).
 * @throws PageRefusal if the account, application or redirect URI is in doubt, or the query is
 * malformed
 * @throws RedirectRefusal for every other error, so that the application receives it
 */
export function readAuthorizationRequest(
  emulator: EmulatorState,
  method: string,
  accountId: string,
  query: URLSearchParams
): AuthorizationRequest {
  const responseType = checkQuery(query)
  const application = applicationOf(emulator, accountId, valueOf(query, 'client_id'))
  const request = {
    accountId,
    clientId: application.clientId,
    redirectUri: redirectUriOf(application, method, valueOf(query, 'redirect_uri')),
    redirectUriSent: valueOf(query, 'redirect_uri') !== undefined,
    state: valueOf(query, 'state'),
    codeChallenge: valueOf(query, 'code_challenge')
  }
  if (responseType !== 'code') {
    const description = 'response_type must be code'
    throw new RedirectRefusal(errorLocation(request, 'unsupported_response_type', description))
  }
  checkPkceRequest(emulator.behaviour.pkce, request, query)
  return request
}

function checkQuery(query: URLSearchParams): string {
  const repeated = repeatedName(query)
  const responseType = valueOf(query, 'response_type')
  if (repeated) throw new PageRefusal(400, `The parameter ${repeated} was sent more than once.`)
  if (valueOf(query, 'v') !== '1.0') throw new PageRefusal(400, 'The parameter v must be 1.0.')
  if (!responseType) throw new PageRefusal(400, 'The parameter response_type is missing.')
  if (!valueOf(query, 'client_id')) {
    throw new PageRefusal(400, 'The parameter client_id is missing.')
  }
  return responseType
}

function applicationOf(
  { accounts }: EmulatorState,
  accountId: string,
  clientId: string | undefined
): Application {
  const account = findAccount(accounts, accountId)
  if (!account) throw new PageRefusal(401, `There is no account ${accountId}.`)
  const application = findApplication(account, clientId)
  if (application) return application
  throw new PageRefusal(401, `Account ${accountId} has no application with this client_id.`)
}

// Sentinel deviates: a POST must always send the redirect URI.
function redirectUriOf(
  { redirectUris }: Application,
  method: string,
  sent: string | undefined
): string {
  if (sent !== undefined && redirectUris.includes(sent)) return sent
  if (sent !== undefined) {
    throw new PageRefusal(
      400,
      'The redirect_uri is not registered for this application. ' +
        'Add it to redirectUris of the application, in the accounts of the emulator.'
    )
  }
  const [only] = redirectUris
  if (method === 'POST' || redirectUris.length !== 1 || !only) {
    throw new PageRefusal(400, 'The parameter redirect_uri is missing.')
  }
  return only
}
