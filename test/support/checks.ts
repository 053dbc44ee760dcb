import type { Test } from 'tap'
import type { PageResponse, Browser } from './browser.ts'

interface App {
  url: (path: string) => string
}

/** The code on an error page of the plugin, with its reason if the page shows one, or in JSON. */
export function errorCode(response: Pick<PageResponse, 'text'>): string | undefined {
  return /LE_AUTH_[A-Z_]+( \([a-z_]+\))?/.exec(response.text)?.[0]
}

/**
 * The id of the user that a response of /me is about, or `null` if nobody is logged in.
 *
 * @throws Error if the response says neither, such as that of a store that is down
 */
export function userIn({ status, json }: PageResponse): string | null {
  if (status === 200) return json().id
  if (status === 401) return null
  throw new Error(`/me does not say who is logged in, but ${status}`)
}

/**
 * The id of the user that is logged in with a Cookie header and nothing else, or `null` if nobody
 * is.
 */
export async function whoIs(
  { url }: App,
  visitor: Browser,
  cookie: string
): Promise<string | null> {
  const headers = { cookie, accept: 'application/json' }
  return userIn(await visitor.send(url('/me'), { headers }))
}

/** Asserts that nobody is logged in with this browser. */
export async function isAnonymous(
  t: Test,
  { url }: App,
  browser: Browser,
  what = 'nobody is logged in'
): Promise<void> {
  const me = await browser.script(url('/me'))
  t.equal(`${me.status} ${errorCode(me)}`, '401 LE_AUTH_LOGIN_REQUIRED', what)
}

/** Asserts that a text contains none of the secrets; a failure does not print them. */
export function isFreeOf(
  t: Test,
  text: string,
  secrets: Array<string | null | undefined>,
  what: string
): void {
  const found = secrets.filter(secret => {
    return secret && (text.includes(secret) || text.includes(encodeURIComponent(secret)))
  })
  t.equal(found.length, 0, what)
}
