import { isLoopbackHost } from '../http/loopback.ts'

/** The domains of LivePerson's services. */
export const LIVEPERSON_DOMAINS = ['liveperson.net', 'liveperson.com', 'lpcloud.io']

/** Which hosts may get the client secret and the user's token. */
export interface HostTrust {
  /** A host must be one of these domains, or below one; in lower case. */
  domains: string[]
  /** For development with the emulator: loopback hosts over http, with a port. */
  loopback: boolean
}

const BARE_HOST =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/
const PORT = /:\d{1,5}$/

/**
 * Whether a name is a plain DNS name, without scheme, port, path, user or trailing dot. Not every
 * such name is a host in a URL: `xn--k.example.com` is none, and `0x7f.1` is another one.
 */
export function isBareHost(name: string): boolean {
  const url = `https://${name}`
  return BARE_HOST.test(name) && URL.canParse(url) && new URL(url).hostname === name
}

/**
 * The origin of a host that the Domain API or an option names; `null` if the host is not trusted.
 * Real responses also contain values that are not bare hosts. They are refused as well.
 */
export function trustedOrigin(host: unknown, trust: HostTrust): string | null {
  if (typeof host !== 'string') return null
  const name = host.toLowerCase()
  if (trust.loopback && isLoopbackHost(name.replace(PORT, ''))) return loopbackOrigin(name)
  if (!isBareHost(name) || !isUnder(name, trust.domains)) return null
  return `https://${name}`
}

function isUnder(name: string, domains: string[]): boolean {
  return domains.some(domain => name === domain || name.endsWith(`.${domain}`))
}

function loopbackOrigin(host: string): string | null {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).origin : null
}
