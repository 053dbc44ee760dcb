/** Where LivePerson's services are known to live. */
export const LIVEPERSON_DOMAINS = ['liveperson.net', 'liveperson.com', 'lpcloud.io']

/** Which hosts may get the client secret and the user's token. */
export interface HostTrust {
  /** Domains a host may be, or be under, in lower case. */
  domains: string[]
  /** Development with the emulator: loopback hosts over http, with a port. */
  loopback: boolean
}

const BARE_HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/
const LOOPBACK_HOST = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/

/** Whether a name is a plain DNS name: no scheme, port, path, user or trailing dot. */
export function isBareHost (name: string): boolean {
  return BARE_HOST.test(name)
}

/**
 * The origin of a host that the Domain API or an option names, or `null` where it is not to be trusted.
 * Values that are not bare hosts do occur in real answers, and are refused like any other.
 */
export function trustedOrigin (host: unknown, trust: HostTrust): string | null {
  if (typeof host !== 'string') return null
  const name = host.toLowerCase()
  if (trust.loopback && LOOPBACK_HOST.test(name)) return loopbackOrigin(name)
  if (!isBareHost(name) || !isUnder(name, trust.domains)) return null
  return `https://${name}`
}

function isUnder (name: string, domains: string[]): boolean {
  return domains.some(domain => name === domain || name.endsWith(`.${domain}`))
}

function loopbackOrigin (host: string): string | null {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).origin : null
}
