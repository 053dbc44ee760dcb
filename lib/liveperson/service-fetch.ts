import { Headers, type RequestInit, type Response } from 'undici'
import { leAuthError } from '../errors.js'
import type { HttpClient } from '../http/client.js'
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
  /** Asked just before each request, so that none is sent for a login that has ended meanwhile. */
  getAccessToken: () => Promise<string>
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
  // The app's dispatcher may have a cache, which must not give one user what another has asked for (RFC 9111 §3.5).
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  const form = await encodedForm(call.init.body)
  if (form !== null) headers.set('content-type', form.type)
  return follow(http, url, { ...call.init, ...(form !== null && { body: form.bytes }), headers, redirect: 'manual' }, call.getAccessToken)
}

/** Node's own FormData is foreign to undici's fetch, which would send its name as text. */
async function encodedForm (body: unknown): Promise<{ type: string, bytes: Uint8Array } | null> {
  if (!(body instanceof FormData)) return null
  const encoded = new globalThis.Response(body)
  return { type: encoded.headers.get('content-type')!, bytes: new Uint8Array(await encoded.arrayBuffer()) }
}

function serviceUrl (origin: string, path: unknown, accountId: string): URL {
  if (typeof path !== 'string') throw leAuthError('LE_AUTH_SERVICE_PATH_INVALID')
  const filled = path.replaceAll('{accountId}', encodeURIComponent(accountId))
  if (!/^\/(?![/\\])/.test(filled)) throw leAuthError('LE_AUTH_SERVICE_PATH_INVALID')
  const url = new URL(filled, origin)
  if (url.origin !== origin) throw leAuthError('LE_AUTH_SERVICE_PATH_INVALID')
  return url
}

async function follow (http: HttpClient, start: URL, init: RequestInit & { headers: Headers }, getAccessToken: ServiceCall['getAccessToken']): Promise<Response> {
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

/** Only a read is repeated elsewhere, and only on the same origin. */
function redirected (location: string, from: URL, method = 'GET'): URL {
  if (!URL.canParse(location, from.href)) throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'malformed' })
  const url = new URL(location, from)
  if (url.origin !== from.origin) throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'other_origin' })
  // fetch would refuse it with the whole address in its text.
  if (url.username !== '' || url.password !== '') throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'malformed' })
  if (!['GET', 'HEAD'].includes(method.toUpperCase())) throw leAuthError('LE_AUTH_SERVICE_REDIRECTED', { reason: 'not_a_read' })
  return url
}

/** The app's own abort and its own mistakes in `init` stay what they are; only the network's errors have a cause. */
function unavailable (error: unknown, { signal }: RequestInit): never {
  if (signal?.aborted === true) throw error
  const { cause } = error as { cause?: { code?: string } }
  if (cause === undefined) throw error
  throw leAuthError('LE_AUTH_SERVICE_UNAVAILABLE', { reason: cause.code })
}
