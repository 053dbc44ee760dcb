import { leAuthError, type NetworkReason } from '../errors.ts'
import type { HttpClient } from '../http/client.ts'
import { encodeForm, isFormData, type FetchInit } from '../http/fetch-init.ts'
import type { DomainApi } from './domain-api.ts'
import { servicePath, serviceUrl } from './service-url.ts'

/** Enough for a resource that moved, and no loop. */
const MAX_REDIRECTS = 5
const REDIRECT_STATUS = [301, 302, 303, 307, 308]

/** A call to a LivePerson service on behalf of a user. */
export interface ServiceCall {
  accountId: string
  /** The service's name in the Domain API, case-sensitive, such as `accountConfigReadOnly`. */
  service: string
  /** The path from the slash after the host; `{accountId}` is filled in. */
  path: string
  /** Called just before each request, so that none is sent for a login that has ended meanwhile. */
  getAccessToken: () => Promise<string>
  init: FetchInit
}

type Init = FetchInit & { headers: Headers }

/**
 * Calls a LivePerson service with the user's token. The token goes to the host that the Domain API
 * names, and to no other.
 *
 * @throws TypeError if the service or the path is not valid
 * @throws LE_AUTH_SERVICE_REDIRECTED, LE_AUTH_SERVICE_UNAVAILABLE, and what the look-up throws
 */
export async function serviceFetch(
  http: HttpClient,
  domainApi: DomainApi,
  call: ServiceCall
): Promise<Response> {
  const path = servicePath(call.service, call.path, call.accountId)
  const url = serviceUrl(await domainApi.originOf(call.accountId, call.service), path)
  const headers = new Headers(call.init.headers as Headers)
  // A cache of the app's dispatcher must not give one user's response to another (RFC 9111 §3.5).
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  const form = isFormData(call.init.body) ? await encodeForm(call.init.body) : null
  if (form !== null) headers.set('content-type', form.type)
  const body = form === null ? {} : { body: form.bytes }
  return follow(http, url, { ...call.init, ...body, headers, redirect: 'manual' }, call)
}

async function follow(
  http: HttpClient,
  start: URL,
  init: Init,
  { getAccessToken }: ServiceCall
): Promise<Response> {
  let url = start
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    init.headers.set('authorization', `Bearer ${await getAccessToken()}`)
    const response = await http.fetch(url.href, init).catch(error => unavailable(error, init))
    const location = response.headers.get('location')
    if (!REDIRECT_STATUS.includes(response.status) || location === null) return response
    await response.body?.cancel()
    url = redirected(location, url, init.method)
  }
  throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'too_many' })
}

/** Only reads are repeated at another address, and only on the same origin. */
function redirected(location: string, from: URL, method = 'GET'): URL {
  const refuse = (reason: 'malformed' | 'other_origin' | 'not_a_read'): never => {
    throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason })
  }
  if (!URL.canParse(location, from.href)) return refuse('malformed')
  const url = new URL(location, from)
  if (url.origin !== from.origin) return refuse('other_origin')
  // fetch would refuse this too, with the full URL in its message.
  if (url.username !== '' || url.password !== '') return refuse('malformed')
  if (!['GET', 'HEAD'].includes(method.toUpperCase())) return refuse('not_a_read')
  return url
}

/**
 * The app's own abort, and its mistakes in `init`, are passed on. Only network errors have a cause.
 */
function unavailable(error: unknown, { signal }: FetchInit): never {
  if (signal?.aborted === true) throw error
  const { cause } = error as { cause?: { code: NetworkReason } }
  if (cause === undefined) throw error
  throw leAuthError('LE_AUTH_SERVICE_UNAVAILABLE', { reason: cause.code })
}
