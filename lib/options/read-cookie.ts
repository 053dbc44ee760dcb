import type { OptionReader } from './option-reader.ts'
import type { CookieAttributes, ResolvedCookie } from './resolved-options.ts'

const NAME = /^(?!__)[A-Za-z0-9_.-]{1,64}$/
const NAME_RULE =
  'must be 1 to 64 letters, digits, -, _ or ., and must not begin with __: ' +
  'the plugin adds the prefix'
const DOMAIN = /^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i

export function readCookie(read: OptionReader, redirectUri: URL): ResolvedCookie {
  const attributes = readAttributes(read, redirectUri)
  const name = read.text('cookie.name', 'le-auth', NAME, NAME_RULE)
  return { name: prefixOf(attributes) + name, attributes }
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
