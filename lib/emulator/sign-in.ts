import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { findAccount, type Account } from './settings/accounts.js'

/**
 * Does what a user does in a browser of their own: opens the authorization request, fills in the login page, and is sent
 * back.
 *
 * @returns where the browser is sent: the app's redirect URI with a code, or with an error
 * @throws Error when there is no such user, or Sentinel shows a page instead
 */
export async function signIn (app: FastifyInstance, accounts: readonly Account[], authorizationUrl: string, loginName: string): Promise<string> {
  const { pathname, search } = new URL(authorizationUrl)
  const [, accountId = ''] = /\/account\/([^/]+)\//.exec(pathname) ?? []
  const user = findAccount(accounts, accountId)?.users.find(one => one.loginName === loginName)
  if (!user) throw new Error(`Sentinel emulator: account ${accountId} has no user ${loginName}`)
  const opened = await app.inject(pathname + search)
  const page = locationOf(opened)
  if (!page.startsWith('/')) return page
  return locationOf(await app.inject({
    method: 'POST',
    url: page,
    cookies: Object.fromEntries(opened.cookies.map(({ name, value }) => [name, value])),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ username: loginName, password: user.password, action: 'sign-in' }).toString()
  }))
}

function locationOf ({ headers, statusCode, body }: LightMyRequestResponse): string {
  if (headers.location === undefined) throw new Error(`Sentinel emulator: a page with status ${statusCode} instead of a redirect. ${explanationIn(body)}`)
  return headers.location
}

/** What the page says is wrong, as text. */
function explanationIn (page: string): string {
  const [, explanation = ''] = /<p class="(?:explanation|problem)"[^>]*>([^]*?)<\/p>/.exec(page) ?? []
  return explanation.replace(/<[^>]+>/g, '').trim()
}
