import { LRUCache } from 'lru-cache'
import { leAuthError, type LeAuthError } from '../errors.js'
import { HttpError, type HttpClient } from '../http/client.js'
import { trustedOrigin, type HostTrust } from './trusted-host.js'

/** LivePerson says: do not hard-code and do not persist. Ten minutes spare a look-up for nearly every login. */
const FRESH_FOR = 10 * 60 * 1000
/** A failed look-up is not repeated for so long: an outage must not be made worse, nor each login wait for a timeout. */
const FAILED_FOR = 5 * 1000
/** Accounts times services; far more than one app uses. */
const MAX_ENTRIES = 1000

/** Tells which host serves which LivePerson service for an account. */
export interface DomainApi {
  /**
   * The origin of a service, such as `https://va.sentinel.liveperson.net`. Asked for once at a time,
   * remembered for ten minutes; the last good answer stays in use while look-ups fail.
   *
   * @throws LE_AUTH_DOMAIN_API_UNAVAILABLE, LE_AUTH_DOMAIN_API_INVALID, LE_AUTH_HOST_NOT_TRUSTED
   */
  originOf: (accountId: string, service: string) => Promise<string>
}

interface DomainApiSettings {
  /** The Domain API's own origin. */
  domainApi: string
  /** Answers every look-up of `sentinel`. */
  sentinelOrigin?: string
  trust: HostTrust
  now: () => number
}

interface Question { accountId: string, service: string }
type Answer = { origin: string } | { error: LeAuthError }

export function createDomainApi (settings: DomainApiSettings, http: HttpClient): DomainApi {
  const answers = new LRUCache<string, Answer, Question>({
    max: MAX_ENTRIES,
    ttl: FRESH_FOR,
    perf: { now: settings.now },
    fetchMethod: async (_key, known, { options, context }) => {
      try {
        return { origin: await lookUp(settings, http, context) }
      } catch (error) {
        options.ttl = FAILED_FOR
        return known !== undefined && 'origin' in known ? known : { error: error as LeAuthError }
      }
    }
  })
  return {
    async originOf (accountId, service) {
      if (service === 'sentinel' && settings.sentinelOrigin !== undefined) return settings.sentinelOrigin
      const answer = (await answers.fetch(`${accountId}/${service}`, { context: { accountId, service } }))!
      if ('error' in answer) throw answer.error
      return answer.origin
    }
  }
}

async function lookUp (settings: DomainApiSettings, http: HttpClient, question: Question): Promise<string> {
  const body = await ask(settings.domainApi, http, question)
  const host = hostIn(body, question)
  if (host === undefined) throw leAuthError('LE_AUTH_DOMAIN_API_INVALID', { reason: 'service_missing' })
  const origin = trustedOrigin(host, settings.trust)
  if (origin === null) throw leAuthError('LE_AUTH_HOST_NOT_TRUSTED')
  return origin
}

async function ask (domainApi: string, http: HttpClient, { accountId, service }: Question): Promise<unknown> {
  const url = `${domainApi}/api/account/${encodeURIComponent(accountId)}/service/${encodeURIComponent(service)}/baseURI.json?version=1.0`
  const response = await http.send(url, { method: 'GET', headers: { accept: 'application/json' } }).catch(unreachable)
  if (response.status >= 500 || response.status === 429) throw leAuthError('LE_AUTH_DOMAIN_API_UNAVAILABLE', { reason: `http_${response.status}` })
  if (response.status !== 200) throw leAuthError('LE_AUTH_DOMAIN_API_INVALID', { reason: `http_${response.status}` })
  return response.json().catch(() => { throw leAuthError('LE_AUTH_DOMAIN_API_INVALID', { reason: 'not_json' }) })
}

function unreachable (error: unknown): never {
  throw leAuthError('LE_AUTH_DOMAIN_API_UNAVAILABLE', { reason: (error as HttpError).reason })
}

/** LivePerson's pages print both shapes under both addresses, so either is taken: one service, or the list of all. */
function hostIn (body: unknown, question: Question): unknown {
  const entries: unknown[] = isObject(body) && Array.isArray(body.baseURIs) ? body.baseURIs : [body]
  return entries.filter(isObject).find(entry => entry.service === question.service && entry.account === question.accountId)?.baseURI
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
