import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import type { PageResponse } from '../support/browser.ts'
import { errorCode } from '../support/checks.ts'
import { pendingCallback } from '../support/login.ts'

const DENIED = '403 LE_AUTH_LOGIN_DENIED'
const FAILED = '400 LE_AUTH_AUTHORIZATION_FAILED'
const MALFORMED = '400 LE_AUTH_CALLBACK_INVALID (malformed)'
const NO_CODE = '400 LE_AUTH_CALLBACK_INVALID (code_malformed)'
const NOT_SENTINELS = '400 LE_AUTH_CALLBACK_INVALID (code_rejected)'

const X = 'x'.repeat(12_000)
const EXPECTED: Record<string, string> = {
  'error=access_denied': DENIED,
  'error=invalid_request': FAILED,
  'error=unauthorized_client': FAILED,
  'error=unsupported_response_type': FAILED,
  'error=invalid_scope': FAILED,
  'error=server_error': FAILED,
  'error=temporarily_unavailable': FAILED,
  'error=invalid_client': FAILED,
  'error=invalid_grant': FAILED,
  'error=login_required': FAILED,
  'error=ACCESS_DENIED': FAILED,
  'error=': NO_CODE,
  error: NO_CODE,
  'error=constructor': FAILED,
  'error=__proto__': FAILED,
  'error=%FF%FE%ED%A0%80': FAILED,
  'error=%E0%A4%A': FAILED,
  'error=%00%0d%0a': FAILED,
  [`error=${X}`]: FAILED,
  [`error=server_error&error_description=${X}`]: FAILED,
  'error=server_error&error_description=a&error_description=b': FAILED,
  'error=server_error&error_uri=javascript:alert(1)': FAILED,
  'error=server_error&code=A': FAILED,
  'error=server_error&error=server_error': MALFORMED,
  'error=server_error&iss=https://evil.example': MALFORMED,
  'error[]=server_error': NO_CODE,
  'error%5B__proto__%5D=server_error': NO_CODE,
  '': NO_CODE,
  'code=A&iss=': NOT_SENTINELS,
  'code=A&iss=https://evil.example': MALFORMED,
  'code=A&iss=sentinel&iss=Sentinel': MALFORMED,
  'code=A&response=x': MALFORMED,
  'response=': NO_CODE,
  'code=A&token=x': MALFORMED,
  'code=A&id_token=x': MALFORMED,
  [`code=${X}`]: NOT_SENTINELS,
  'code=%FF%FE%ED%A0%80': NOT_SENTINELS,
  'code=__proto__&__proto__=x&constructor=y&toString=z': NOT_SENTINELS,
  'code=A&error_description=x': NOT_SENTINELS
}

t.test('No query of a callback makes a status of 5xx or a line in the log at error.', async t => {
  const app = await startApp(t)
  for (const [query, expected] of Object.entries(EXPECTED)) {
    for (const way of ['step', 'script'] as const) {
      await isRefused(t, app, await open(app, query, way), query, expected)
    }
  }
  t.same(loudLines(app), [])
})

/** Opens a callback with the state of a login that this browser has just begun. */
async function open(app: TestApp, query: string, way: 'step' | 'script'): Promise<PageResponse> {
  const browser = app.browser()
  const { state } = await pendingCallback(app, browser)
  return browser[way](app.url(`/callback?${query}&state=${state}`))
}

async function isRefused(
  t: Test,
  app: TestApp,
  response: PageResponse,
  query: string,
  expected: string
): Promise<void> {
  // JSON has the reason in a member of its own.
  const code = errorCode(response)!.split(' ')[0]
  const [status, name] = expected.split(' ')
  t.equal(`${response.status} ${code}`, `${status} ${name}`, query.slice(0, 60))
  const reason = /\((\w+)\)/.exec(expected)?.[1]
  if (reason !== undefined) t.equal(app.events().at(-1).reason, reason, query.slice(0, 60))
}

/** The log lines at error or fatal. */
function loudLines({ logLines }: TestApp): string[] {
  return logLines.filter(line => JSON.parse(line).level >= 50)
}

t.test('The log says what the error was, and that anybody may have written it.', async t => {
  const app = await startApp(t)
  for (const [word, reason] of [
    ['invalid_scope', 'invalid_scope'],
    ['server_error', 'server_error'],
    ['a-word-of-nobody', 'unrecognised']
  ]) {
    const page = await open(app, `error=${word}`, 'step')
    t.equal(errorCode(page), 'LE_AUTH_AUTHORIZATION_FAILED', 'without the word')
    t.match(page.text, /LivePerson ended this login with an error/)
    t.match(page.text, 'Try again')
    t.notMatch(page.text, /clientId|redirectUri|pkce/)
    const event = app.events().at(-1)
    t.match(event, { code: 'LE_AUTH_AUTHORIZATION_FAILED', reason })
    t.match(event.hint, /But anybody can open such an address/)
  }
  t.notMatch(app.logLines.join(''), 'a-word-of-nobody')
})
