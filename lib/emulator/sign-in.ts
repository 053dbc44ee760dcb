import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { findAccount, type Account } from './settings/accounts.ts'

const PROBLEM = /<p class="(?:explanation|problem)"[^>]*>([^]*?)<\/p>/

/**
 * Does what a user does in a new browser: opens the authorization request, submits the login page,
 * and follows to the redirect back to the app.
 * @returns the app's redirect URI with a code or an error
 * @throws Error if there is no such user, or Sentinel shows a page instead of redirecting
 */
export async function signIn(
  app: FastifyInstance,
  accounts: readonly Account[],
  authorizationUrl: string,
  loginName: string
): Promise<string> {
  const { pathname, search } = new URL(authorizationUrl)
  const [, accountId = ''] = /\/account\/([^/]+)\//.exec(pathname) ?? []
  const user = findAccount(accounts, accountId)?.users.find(user => user.loginName === loginName)
  if (!user) throw new Error(`Sentinel emulator: account ${accountId} has no user ${loginName}`)
  const opened = await app.inject(pathname + search)
  const page = locationOf(opened)
  if (!page.startsWith('/')) return page
  const form = { username: loginName, password: user.password, action: 'sign-in' }
  return locationOf(
    await app.inject({
      method: 'POST',
      url: page,
      cookies: Object.fromEntries(opened.cookies.map(({ name, value }) => [name, value])),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams(form).toString()
    })
  )
}

function locationOf({ headers, statusCode, body }: LightMyRequestResponse): string {
  if (headers.location !== undefined) return headers.location
  throw new Error(
    'Sentinel emulator: expected a redirect, but got a page with status ' +
      `${statusCode}. ${problemOn(body)}`
  )
}

/** The problem that a page shows, as text. */
function problemOn(page: string): string {
  const [, problem = ''] = PROBLEM.exec(page) ?? []
  return problem.replace(/<[^>]+>/g, '').trim()
}
