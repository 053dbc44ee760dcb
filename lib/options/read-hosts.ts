import { isLoopbackHost } from '../http/loopback.ts'
import { isBareHost, LIVEPERSON_DOMAINS, trustedOrigin } from '../liveperson/trusted-host.ts'
import type { OptionReader } from './option-reader.ts'
import type { LivePersonHosts } from './resolved-options.ts'

const ORIGIN_RULE = 'must be an origin, such as https://api.liveperson.net'

export function readHosts(read: OptionReader): LivePersonHosts {
  const domainApi = readDomainApi(read)
  const trustedDomains = read.list(
    'trustedDomains',
    isBareHost,
    'domain names in lower case with a dot in them, such as example.com'
  )
  const trust = {
    domains: [...LIVEPERSON_DOMAINS, ...trustedDomains],
    loopback: domainApi.startsWith('http:')
  }
  const sentinelDomain = read.value('sentinelDomain')
  if (sentinelDomain === undefined) return { domainApi, trust }
  const sentinelOrigin = trustedOrigin(sentinelDomain, trust)
  if (sentinelOrigin !== null) return { domainApi, trust, sentinelOrigin }
  return read.refuse(
    'sentinelDomain must be a host name alone, under liveperson.net, liveperson.com, ' +
      'lpcloud.io or trustedDomains. A loopback host with a port is allowed only if ' +
      'domainApi is also http on a loopback host',
    { domainApi, trust }
  )
}

function readDomainApi(read: OptionReader): string {
  const text = read.text('domainApi', 'https://api.liveperson.net', /^https?:\/\//, ORIGIN_RULE)
  if (!URL.canParse(text)) return read.refuse(`domainApi ${ORIGIN_RULE}`, text)
  const url = new URL(text)
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return read.refuse('domainApi must be https, or http on a loopback host', text)
  }
  if (url.href !== `${url.origin}/`) {
    return read.refuse('domainApi must be an origin alone, without path, query or user', text)
  }
  return url.origin
}
