import type { LeAuthError } from '../errors.ts'
import type { Link, Problem } from '../http/problem-page.ts'
import { withReturnTo } from '../http/return-path.ts'
import type { AppPaths } from '../options/resolved-options.ts'

/** The request that a page is about. */
export interface FailedRequest {
  isLoggedIn: boolean
  isForm: boolean
  /** Where to try again; `null` if a link cannot repeat the request. */
  path: string | null
}

/** What a visitor reads if a guard failed. */
export function problemOf(
  error: LeAuthError,
  request: FailedRequest,
  { afterLogin, login }: AppPaths
): Problem {
  const home = { label: 'Home', path: afterLogin }
  const first = firstLink(error, request, login)
  const links = first === null ? [home] : [first, home].slice(0, first.path === home.path ? 1 : 2)
  return {
    status: error.statusCode,
    title: titleOf(error),
    text: [error.message, ...standing(error, request), ...advice(error, request)],
    links,
    code: error.code
  }
}

function titleOf({ code, statusCode }: LeAuthError): string {
  if (code === 'LE_AUTH_LOGIN_REQUIRED') return 'You are not logged in'
  if (code === 'LE_AUTH_LOGOUT_CROSS_SITE') return 'You are not logged out'
  return statusCode === 403 ? 'You may not see this page' : 'This page is not available right now'
}

/** Whether the user has to log in again. */
function standing({ code }: LeAuthError, { isLoggedIn }: FailedRequest): string[] {
  // Without the store, nobody knows who is logged in. It has the login all the same.
  if (code === 'LE_AUTH_STORE_UNAVAILABLE') return ['You have not been logged out.']
  // The message of a failed refresh says so already.
  if (code === 'LE_AUTH_REFRESH_UNAVAILABLE' || !isLoggedIn) return []
  return ['You are still logged in.']
}

function advice({ code }: LeAuthError, { isForm }: FailedRequest): string[] {
  if (code === 'LE_AUTH_ADMIN_REQUIRED') {
    return ['If you have become an administrator since you logged in, log in again.']
  }
  // The form is on another site.
  if (code === 'LE_AUTH_LOGOUT_CROSS_SITE') return []
  return isForm ? ['To send the form again, go back to it.'] : []
}

function firstLink({ code }: LeAuthError, { path }: FailedRequest, login: string): Link | null {
  if (code === 'LE_AUTH_LOGIN_REQUIRED') return { label: 'Log in', path: withReturnTo(login, path) }
  if (code === 'LE_AUTH_ADMIN_REQUIRED') {
    return { label: 'Log in again', path: withReturnTo(login, path) }
  }
  return path === null ? null : { label: 'Try again', path }
}
