import { LRUCache } from 'lru-cache'
import { leAuthError, type LeAuthError, type LeAuthErrorReasons } from '../errors.ts'
import { HttpError, type HttpClient } from '../http/client.ts'
import type { HttpResponse } from '../http/http-response.ts'
import { trustedOrigin, type HostTrust } from './trusted-host.ts'

/**
 * LivePerson's documents say not to hard-code or persist hosts. Ten minutes save a look-up for
 * nearly every login. In ms.
 */
const FRESH_FOR = 10 * 60 * 1000
/** How long a failed look-up is not repeated, so that not every login has to wait for it. In ms. */
const FAILED_FOR = 5 * 1000
/** Accounts times services: far more than one app uses. */
const MAX_ENTRIES = 1000

interface DomainApiSettings {
  /** The Domain API's own origin. */
  domainApi: string
  /** The response to every look-up of `sentinel`. */
  sentinelOrigin?: string
  trust: HostTrust
  now: () => number
}

interface LookUp {
  accountId: string
  service: string
}
type InvalidReason = LeAuthErrorReasons['LE_AUTH_DOMAIN_API_INVALID']
type Found = { origin: string } | { error: LeAuthError }

/** The hosts of LivePerson's services, for each account. */
export class DomainApi {
  readonly #settings: DomainApiSettings
  readonly #http: HttpClient
  readonly #found: LRUCache<string, Found, LookUp>

  constructor(settings: DomainApiSettings, http: HttpClient) {
    this.#settings = settings
    this.#http = http
    this.#found = new LRUCache<string, Found, LookUp>({
      max: MAX_ENTRIES,
      ttl: FRESH_FOR,
      perf: { now: settings.now },
      fetchMethod: async (_key, known, { options, context }) => {
        try {
          return { origin: await this.#lookUp(context) }
        } catch (error) {
          options.ttl = FAILED_FOR
          // The last good response stays in use while look-ups fail.
          return known !== undefined && 'origin' in known ? known : { error: error as LeAuthError }
        }
      }
    })
  }

  /**
   * The origin of a service, such as `https://va.sentinel.liveperson.net`. Looked up once for all
   * who wait for it, and remembered for ten minutes.
   *
   * @throws LE_AUTH_DOMAIN_API_UNAVAILABLE, LE_AUTH_DOMAIN_API_INVALID, LE_AUTH_HOST_NOT_TRUSTED
   */
  async originOf(accountId: string, service: string): Promise<string> {
    const { sentinelOrigin } = this.#settings
    if (service === 'sentinel' && sentinelOrigin !== undefined) return sentinelOrigin
    const context = { accountId, service }
    const found = (await this.#found.fetch(`${accountId}/${service}`, { context }))!
    if ('error' in found) throw found.error
    return found.origin
  }

  async #lookUp(lookUp: LookUp): Promise<string> {
    const body = await this.#request(lookUp)
    const host = hostIn(body, lookUp)
    if (host === undefined) throw invalid('service_missing', lookUp)
    const origin = trustedOrigin(host, this.#settings.trust)
    if (origin === null) throw leAuthError('LE_AUTH_HOST_NOT_TRUSTED')
    return origin
  }

  async #request(lookUp: LookUp): Promise<unknown> {
    const { accountId, service } = lookUp
    const account = `${this.#settings.domainApi}/api/account/${encodeURIComponent(accountId)}`
    const url = `${account}/service/${encodeURIComponent(service)}/baseURI.json?version=1.0`
    const call = { method: 'GET', headers: { accept: 'application/json' } }
    const response = await this.#http.send(url, call).catch(unreachable)
    const reason = `http_${response.status}` as const
    if (isUnavailable(response)) throw leAuthError('LE_AUTH_DOMAIN_API_UNAVAILABLE', { reason })
    if (response.status !== 200) throw invalid(reason, lookUp)
    return response.json().catch(() => {
      throw invalid('not_json', lookUp)
    })
  }
}

function invalid(reason: InvalidReason, { accountId, service }: LookUp): LeAuthError {
  const name = JSON.stringify(service)
  const hint =
    `The Domain API named no host for the service ${name} of the account ${accountId}, or its ` +
    'response is malformed. Check accountId and, for fetch, the name of the service: upper and ' +
    'lower case matter.'
  return leAuthError('LE_AUTH_DOMAIN_API_INVALID', { reason, hint })
}

function isUnavailable({ status }: HttpResponse): boolean {
  return status >= 500 || status === 429
}

function unreachable(error: unknown): never {
  const { reason } = error as HttpError
  throw leAuthError('LE_AUTH_DOMAIN_API_UNAVAILABLE', { reason })
}

/** LivePerson's documents show two response shapes for both URLs: one service, or a list of all. */
function hostIn(body: unknown, { accountId, service }: LookUp): unknown {
  const entries: unknown[] = isObject(body) && Array.isArray(body.baseURIs) ? body.baseURIs : [body]
  return entries
    .filter(isObject)
    .find(entry => entry.service === service && entry.account === accountId)?.baseURI
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
