import { hash } from 'node:crypto'
import type { OptionReader } from './option-reader.ts'
import type { ClientCredentials, CookieAttributes, ResolvedCookie } from './resolved-options.ts'

const NAME = /^(?!__)[A-Za-z0-9_.-]{1,64}$/
const NAME_RULE =
  'must be 1 to 64 letters, digits, -, _ or ., and must not begin with __: ' +
  'the plugin adds the prefix'
const DOMAIN = /^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i

export function readCookie(
  read: OptionReader,
  redirectUri: URL,
  client: ClientCredentials
): ResolvedCookie {
  const attributes = readAttributes(read, redirectUri)
  const name = read.text('cookie.name', defaultName(client), NAME, NAME_RULE)
  return { name: prefixOf(attributes) + name, attributes }
}

/**
 * Cookies belong to a host, whatever the port (RFC 6265 §8.5), and ours to all its paths. So two
 * apps on one host need two names.
 */
function defaultName({ clientId, redirectUri }: ClientCredentials): string {
  return `le-auth-${hash('sha256', JSON.stringify([clientId, redirectUri]), 'hex').slice(0, 8)}`
}

function readAttributes(read: OptionReader, { hostname, protocol }: URL): CookieAttributes {
  const secure = protocol === 'https:'
  const domain = read.text(
    'cookie.domain',
    undefined,
    DOMAIN,
    'must be a domain name, such as example.com'
  )
  const sameSite = read.oneOf('cookie.sameSite', ['lax', 'none'], 'lax')
  const partitioned = read.boolean('cookie.partitioned', false)
  if ((sameSite === 'none' || partitioned) && !secure) {
    read.refuse(
      'cookie.sameSite "none" and cookie.partitioned need an https redirectUri: ' +
        'browsers drop such cookies otherwise',
      null
    )
  }
  if (domain !== undefined && !`.${hostname}`.endsWith(`.${domain.replace(/^\./, '')}`)) {
    read.refuse(
      `cookie.domain must be ${hostname}, the host of redirectUri, or a domain above it`,
      null
    )
  }
  return {
    secure,
    sameSite,
    ...read.optional('domain', domain),
    ...(partitioned && { partitioned })
  }
}

/**
 * `__Host-`: browsers accept the cookie only from this host, over https and for all paths. With a
 * domain, only `__Secure-` is possible, which guarantees https alone.
 */
function prefixOf({ secure, domain }: CookieAttributes): string {
  if (!secure) return ''
  return domain === undefined ? '__Host-' : '__Secure-'
}
