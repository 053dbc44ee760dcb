import { isLoopbackHost } from '../http/loopback.ts'
import { wholeReturnPath } from '../http/return-path.ts'
import type { OptionReader } from './option-reader.ts'
import type { AppPaths, RoutePaths } from './resolved-options.ts'

/** The redirect URI as it was registered, and parsed. */
export interface RedirectUri {
  text: string
  url: URL
}

/** Reads on with this if `redirectUri` is wrong; the problem is already noted. */
const PLACEHOLDER = new URL('https://invalid.example/callback')

/** Plain segments only: ":" and "*" mean something to the router, and it decodes "%". */
const ROUTE = /^(?=\/)(\/[\w.~!$&'()+,;=@-]+)*\/?$/
const ROUTE_RULE =
  'must be a path of plain segments that begins with one slash, ' +
  'without query, fragment, "%", ":" or "*"'

export function readRedirectUri(read: OptionReader): RedirectUri {
  const text = read.required(
    'redirectUri',
    'LE_REDIRECT_URI',
    /^[\x21-\x7e]{1,128}$/,
    'must be at most 128 ASCII characters without spaces, the limit at LivePerson'
  )
  const problem = text === '' ? null : problemOf(text)
  if (problem !== null) read.refuse(problem, null)
  return { text, url: text === '' || problem !== null ? PLACEHOLDER : new URL(text) }
}

function problemOf(redirectUri: string): string | null {
  if (!URL.canParse(redirectUri)) {
    return 'redirectUri must be a full URL, such as https://app.example.com/callback'
  }
  const { protocol, hostname, search, hash, username, password } = new URL(redirectUri)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopbackHost(hostname))) {
    return 'redirectUri must be https, or http on localhost, 127.0.0.1 or [::1]'
  }
  if (search !== '' || hash !== '' || username !== '' || password !== '') {
    return (
      'redirectUri must have no query, fragment, user or password: ' +
      'register a plain path with LivePerson'
    )
  }
  return null
}

/** @param scopePrefix without a slash at the end */
export function readPaths(read: OptionReader, redirectUri: URL, scopePrefix: string): AppPaths {
  const { origin, pathname } = redirectUri
  const localRoutes = readRoutes(read, pathname, scopePrefix)
  const routes = {
    login: scopePrefix + localRoutes.login,
    callback: scopePrefix + localRoutes.callback,
    logout: scopePrefix + localRoutes.logout
  }
  const publicPrefix = pathname.endsWith(routes.callback)
    ? pathname.slice(0, -routes.callback.length)
    : ''
  return {
    origin,
    publicPrefix,
    routes,
    localRoutes,
    login: publicPrefix + routes.login,
    afterLogin: readReturnTo(read, 'returnTo.afterLogin', origin, `${publicPrefix}/`),
    afterLogout: readReturnTo(read, 'returnTo.afterLogout', origin, `${publicPrefix}/`)
  }
}

function readRoutes(read: OptionReader, publicCallback: string, scopePrefix: string): RoutePaths {
  const fallback = defaultCallback(read, publicCallback, scopePrefix)
  const routes = {
    login: read.text('routes.login', '/login', ROUTE, ROUTE_RULE),
    callback: read.text('routes.callback', fallback, ROUTE, ROUTE_RULE),
    logout: read.text('routes.logout', '/logout', ROUTE, ROUTE_RULE)
  }
  if (new Set(Object.values(routes)).size === 3) return routes
  return read.refuse(
    'routes must be three different paths; ' +
      'the callback is the path of redirectUri unless routes.callback says otherwise',
    routes
  )
}

function defaultCallback(read: OptionReader, publicCallback: string, scopePrefix: string): string {
  if (read.value('routes.callback') !== undefined) return '/'
  if (publicCallback === '/') {
    return read.refuse('redirectUri must have a path of its own, such as /callback', '/callback')
  }
  if (!ROUTE.test(publicCallback)) {
    return read.refuse(
      `redirectUri must have a path that works as a route: it ${ROUTE_RULE}. ` +
        'If a proxy changes the path, set routes.callback to the path that the app receives',
      '/callback'
    )
  }
  if (publicCallback.startsWith(`${scopePrefix}/`)) return publicCallback.slice(scopePrefix.length)
  return read.refuse(
    `redirectUri has the path ${publicCallback}, outside the prefix ${scopePrefix} that this ` +
      'plugin is registered under. Register it without the prefix. Or, if a proxy changes the ' +
      'path, set routes.callback to the path that the proxy requests, without the prefix',
    '/callback'
  )
}

function readReturnTo(read: OptionReader, name: string, origin: string, fallback: string): string {
  const path = wholeReturnPath(read.value(name) ?? fallback, origin)
  const rule = 'must be a path of this app, such as "/", of at most 1,536 bytes'
  return path ?? read.refuse(`${name} ${rule}`, fallback)
}
