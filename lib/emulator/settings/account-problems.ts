import type { AccountData, ApplicationData, UserData } from './accounts.ts'

const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,64}$/

/** The longest redirect URI that LivePerson's manifest allows, in characters. */
const LONGEST_REDIRECT_URI = 128

/** The problems of the `accounts` option, one message each. */
export function* accountProblems(accounts: readonly AccountData[]): Generator<string> {
  if (!isFilledArray(accounts)) return yield 'accounts must be an array with at least one account'
  for (const [index, account] of accounts.entries()) {
    const at = `accounts[${index}]`
    if (!ACCOUNT_ID.test(account.accountId)) yield `${at}.accountId must match ${ACCOUNT_ID}`
    yield* eachProblem(account.applications, `${at}.applications`, applicationProblems)
    yield* eachProblem(account.users, `${at}.users`, userProblems)
  }
}

function* eachProblem<T>(
  list: readonly T[],
  at: string,
  problemsOf: (item: T, at: string) => Iterable<string>
): Generator<string> {
  if (!isFilledArray(list)) return yield `${at} must be an array with at least one entry`
  for (const [index, item] of list.entries()) yield* problemsOf(item, `${at}[${index}]`)
}

function* applicationProblems(application: ApplicationData, at: string): Generator<string> {
  yield* emptyTexts(application, ['clientId', 'clientSecret', 'clientName'], at)
  if (!Array.isArray(application.redirectUris)) return yield `${at}.redirectUris must be an array`
  for (const [index, uri] of application.redirectUris.entries()) {
    if (!isRedirectUri(uri)) {
      yield (
        `${at}.redirectUris[${index}] must be an absolute http(s) URL without a ` +
        `fragment, of at most ${LONGEST_REDIRECT_URI} characters`
      )
    }
  }
}

function userProblems(user: UserData, at: string): Iterable<string> {
  return emptyTexts(user, ['id', 'loginName', 'password', 'fullName', 'email'], at)
}

function* emptyTexts<T>(
  item: T,
  names: readonly (keyof T & string)[],
  at: string
): Generator<string> {
  for (const name of names) {
    const value = item[name]
    if (typeof value !== 'string' || value === '') yield `${at}.${name} must be a non-empty string`
  }
}

// RFC 6749 §3.1.2 forbids a fragment: a code that is appended to it would never reach a server.
function isRedirectUri(uri: unknown): boolean {
  if (typeof uri !== 'string' || uri.length > LONGEST_REDIRECT_URI) return false
  return !uri.includes('#') && URL.canParse(uri) && /^https?:$/.test(new URL(uri).protocol)
}

function isFilledArray(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0
}
