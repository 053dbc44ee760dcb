import { Headers, type RequestInit, type Response } from 'undici'
import { leAuthError } from '../errors.js'
import type { HttpClient } from '../http.js'
import type { DomainApi } from './domain-api.js'

/** As many as browsers' fetch would need for a moved resource, and no loop. */
const MAX_REDIRECTS = 5
const REDIRECT_STATUS = [301, 302, 303, 307, 308]

/** A call to a LivePerson service on behalf of a user. */
export interface ServiceCall {
  accountId: string
  /** The service's name in the Domain API, case sensitive, such as `accountConfigReadOnly`. */
  service: string
  /** From the slash after the host on; `{accountId}` is filled in. */
  path: string
  accessToken: string
  init: RequestInit
}

/**
 * Calls a LivePerson service with the user's token, which goes to the host that the Domain API names and
 * nowhere else.
 *
 * @throws LE_AUTH_SERVICE_PATH_INVALID, LE_AUTH_SERVICE_REDIRECTED, LE_AUTH_SERVICE_UNAVAILABLE, and what the look-up throws
 */
export async function serviceFetch (http: HttpClient, domainApi: DomainApi, call: ServiceCall): Promise<Response> {
  const origin = await domainApi.originOf(call.accountId, call.service)
  const url = serviceUrl(origin, call.path, call.accountId)
  const headers = new Headers(call.init.headers)
  headers.set('authorization', `Bearer ${call.accessToken}`)
  return follow(http, url, { ...call.init, headers, redirect: 'manual' })
}

function serviceUrl (origin: string, path: string, accountId: string): URL {
  const filled = path.replaceAll('{accountId}', encodeURIComponent(accountId))
  if (!/^\/(?![/\\])/.test(filled) || !URL.canParse(filled, origin)) throw leAuthError('LE_AUTH_SERVICE_PATH_INVALID')
  const url = new URL(filled, origin)
  if (url.origin !== origin) throw leAuthError('LE_AUTH_SERVICE_PATH_INVALID')
  return url
}

async function follow (http: HttpClient, start: URL, init: RequestInit): Promise<Response> {
  let url = start
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await http.fetch(url.href, init).catch(unavailable)
    const location = response.headers.get('location')
    if (!REDIRECT_STATUS.includes(response.status) || location === null) return response
    await response.body?.cancel()
    url = redirected(location, url, init.method)
  }
  throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'too_many' })
}

/** Only a read is repeated elsewhere, and only on the same origin. */
function redirected (location: string, from: URL, method = 'GET'): URL {
  if (!URL.canParse(location, from.href)) throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'malformed' })
  const url = new URL(location, from)
  if (url.origin !== from.origin) throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'other_origin' })
  if (!['GET', 'HEAD'].includes(method.toUpperCase())) throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'not_a_read' })
  return url
}

/** The app's own abort stays what it is; anything else is the network. */
function unavailable (error: Error & { cause?: { code?: string } }): never {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') throw error
  throw leAuthError('LE_AUTH_SERVICE_UNAVAILABLE', { reason: error.cause?.code })
}
