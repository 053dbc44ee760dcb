/** A placeholder, also one that is misspelt or was meant for a template literal. */
const PLACEHOLDER = /\$?\{[\w\s.-]*\}/g

/**
 * Checks the arguments of `fetch`, and fills in the account.
 *
 * @returns the path, which {@link serviceUrl} puts after the origin
 * @throws TypeError that says what to write
 */
export function servicePath(service: unknown, path: unknown, accountId: string): string {
  if (typeof service !== 'string' || service === '' || typeof path !== 'string') {
    throw new TypeError(
      'fetch takes the name of a service and a path, such as ' +
        "fetch('accountConfigReadOnly', '/api/account/{accountId}/configuration/le-users/users')"
    )
  }
  const unknown = path.match(PLACEHOLDER)?.find(found => found !== '{accountId}')
  if (unknown !== undefined) {
    throw new TypeError(
      `fetch: ${unknown} in a path is not filled in. Write {accountId}, with a capital I, for ` +
        'the account. Fill in anything else yourself, and write %7B and %7D for braces'
    )
  }
  const filled = path.replaceAll('{accountId}', encodeURIComponent(accountId))
  if (!/^\/(?![/\\])/.test(filled)) throw invalidPath()
  return filled
}

/** The URL of a path on a service's host. @throws TypeError if it would be on another host */
export function serviceUrl(origin: string, path: string): URL {
  const url = URL.canParse(path, origin) ? new URL(path, origin) : null
  if (url?.origin !== origin) throw invalidPath()
  return url
}

function invalidPath(): TypeError {
  return new TypeError(
    'fetch takes a path that begins with one slash, such as ' +
      '/api/account/{accountId}/configuration/le-users/users, and no full URL'
  )
}
