import t, { type Test } from 'tap'
import { LE_AUTH_ERROR_STATUS, type LeAuthErrorCode } from '../../lib/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import type { Browser } from '../support/browser.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, MINUTE, SECOND } from '../support/clock.ts'
import { AGENT, logIn, upToCallback } from '../support/login.ts'

interface Row {
  /** As the page shows it, with a reason if the browser can cause it. */
  code: string
  sentence: RegExp
  /** The callback that is opened instead of the valid one. */
  callback: (right: URL) => string
}

const withQuery = (right: URL, change: (query: URLSearchParams) => void): string => {
  const url = new URL(right)
  change(url.searchParams)
  return url.href
}
const error =
  (value: string) =>
  (right: URL): string =>
    withQuery(right, query => {
      query.delete('code')
      query.set('error', value)
    })
const state =
  (change: (state: string) => string) =>
  (right: URL): string =>
    withQuery(right, query => query.set('state', change(query.get('state')!)))

const ROWS: Record<string, Row> = {
  'the login was denied': {
    code: 'LE_AUTH_LOGIN_DENIED',
    sentence: /cancelled or refused/,
    callback: error('access_denied')
  },
  'the login was refused for another reason': {
    code: 'LE_AUTH_AUTHORIZATION_FAILED',
    sentence: /ended this login with an error/,
    callback: error('invalid_scope')
  },
  'an unknown error': {
    code: 'LE_AUTH_AUTHORIZATION_FAILED',
    sentence: /ended this login with an error/,
    callback: error('<script>alert(1)</script>')
  },
  'Sentinel is busy': {
    code: 'LE_AUTH_AUTHORIZATION_FAILED',
    sentence: /ended this login with an error/,
    callback: error('temporarily_unavailable')
  },
  'Sentinel has failed': {
    code: 'LE_AUTH_AUTHORIZATION_FAILED',
    sentence: /ended this login with an error/,
    callback: error('server_error')
  },
  'an error and a code': {
    code: 'LE_AUTH_LOGIN_DENIED',
    sentence: /cancelled/,
    callback: right => withQuery(right, query => query.set('error', 'access_denied'))
  },
  'no code': {
    code: 'LE_AUTH_CALLBACK_INVALID (code_malformed)',
    sentence: /not a response/,
    callback: right => withQuery(right, query => query.delete('code'))
  },
  'an empty code': {
    code: 'LE_AUTH_CALLBACK_INVALID (code_malformed)',
    sentence: /not a response/,
    callback: right => withQuery(right, query => query.set('code', ''))
  },
  'two codes': {
    code: 'LE_AUTH_CALLBACK_INVALID (code_malformed)',
    sentence: /not a response/,
    callback: right => `${right}&code=B`
  },
  'another issuer': {
    code: 'LE_AUTH_CALLBACK_INVALID (malformed)',
    sentence: /not a response/,
    callback: right => `${right}&iss=https://evil.example`
  },
  'two issuers': {
    code: 'LE_AUTH_CALLBACK_INVALID (malformed)',
    sentence: /not a response/,
    callback: right => `${right}&iss=sentinel&iss=sentinel`
  },
  'an implicit response': {
    code: 'LE_AUTH_CALLBACK_INVALID (malformed)',
    sentence: /not a response/,
    callback: right =>
      withQuery(right, query => {
        query.delete('code')
        query.set('id_token', 'x')
      })
  },
  'a JARM response': {
    code: 'LE_AUTH_CALLBACK_INVALID (malformed)',
    sentence: /not a response/,
    callback: right => `${right}&response=jwt`
  },
  'no state': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_malformed)',
    sentence: /not a response/,
    callback: right => withQuery(right, query => query.delete('state'))
  },
  'an empty state': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_malformed)',
    sentence: /not a response/,
    callback: state(() => '')
  },
  'the state twice': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_malformed)',
    sentence: /not a response/,
    callback: right => `${right}&state=${right.searchParams.get('state')}`
  },
  'a state of 12 KB': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_malformed)',
    sentence: /not a response/,
    callback: state(() => 'x'.repeat(12_000))
  },
  'a state as an array': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_malformed)',
    sentence: /not a response/,
    callback: right => right.href.replace('state=', 'state[]=')
  },
  'a state that is a property of every object': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_malformed)',
    sentence: /not a response/,
    callback: state(() => 'constructor')
  },
  'a state cut short': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_malformed)',
    sentence: /not a response/,
    callback: state(state => state.slice(0, -1))
  },
  'a state in another case': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_mismatch)',
    sentence: /no longer in progress in this browser/,
    callback: state(state =>
      state === state.toLowerCase() ? state.toUpperCase() : state.toLowerCase()
    )
  },
  'a state that was never issued': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_mismatch)',
    sentence: /no longer in progress in this browser/,
    callback: state(() => 'x'.repeat(43))
  },
  'no query at all': {
    code: 'LE_AUTH_CALLBACK_INVALID (state_malformed)',
    sentence: /not a response/,
    callback: right => right.origin + right.pathname
  }
}

async function assertRefused(
  t: Test,
  app: TestApp,
  browser: Browser,
  url: string,
  { code, sentence }: Omit<Row, 'callback'>
): Promise<void> {
  const page = await browser.navigate(url)
  t.equal(page.status, LE_AUTH_ERROR_STATUS[code.split(' ')[0] as LeAuthErrorCode])
  t.equal(errorCode(page), code)
  t.match(page.text, sentence)
  t.match(page.text, 'href="/login')
  t.notMatch(page.text, /<script|evil\.example|xxxxx/, 'nothing of the request is in the page')
  t.match(
    page.headers['content-security-policy'],
    /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'$/
  )
  t.equal(page.headers['cache-control'], 'no-store')
  t.equal(page.headers['referrer-policy'], 'no-referrer')
  t.equal(page.headers['x-content-type-options'], 'nosniff')
  t.equal(app.calls('token'), 0, 'no token request is sent')
  t.equal((await browser.script(app.url('/me'))).status, 401)
}

for (const [name, row] of Object.entries(ROWS)) {
  t.test(`The page of a refused callback says what happened: ${name}.`, async t => {
    const app = await startApp(t)
    const browser = app.browser()
    const right = new URL(await upToCallback(app, browser, '/page/there'))
    await assertRefused(t, app, browser, row.callback(right), row)

    const script = await browser.script(row.callback(right))
    t.match(script.headers['content-type'], 'application/json')
    t.equal(script.json().statusCode, script.status)
    t.match(script.json().code, /^LE_AUTH_/)
  })
}

t.test('A login that takes longer than 15 minutes is refused.', async t => {
  const clock = new Clock()
  const app = await startApp(t, { options: { now: clock.now } })
  const slow = app.browser()
  const slowCallback = await upToCallback(app, slow, '/page/there')
  const late = app.browser()
  const lateCallback = await upToCallback(app, late, '/page/there')
  clock.advance(10 * MINUTE - 30 * SECOND)
  t.equal((await slow.navigate(slowCallback)).text, 'page /page/there', 'ten minutes are in time')
  app.sentinel.requests.length = 0
  clock.advance(6 * MINUTE)
  await assertRefused(t, app, late, lateCallback, {
    code: 'LE_AUTH_CALLBACK_INVALID (expired)',
    sentence: /longer than 15 minutes/
  })
  t.match(late.history.at(-2)!.text, 'href="/login?returnTo=%2Fpage%2Fthere"')
})

t.test('A callback in another browser, or without cookies, is refused.', async t => {
  const app = await startApp(t)
  const attacker = app.browser()
  const callback = await upToCallback(app, attacker)
  const row = {
    code: 'LE_AUTH_CALLBACK_INVALID (no_transaction)',
    sentence: /no login in progress/
  } as const
  await assertRefused(t, app, app.browser(), callback, row)
  t.equal(
    (await attacker.navigate(callback)).status,
    200,
    'the browser that began the login can still finish it'
  )
})

t.test(
  'The callback of another browser is refused in a browser with its own login in progress.',
  async t => {
    const app = await startApp(t)
    const callback = await upToCallback(app, app.browser())
    const victim = app.browser()
    const own = await upToCallback(app, victim)
    await assertRefused(t, app, victim, callback, {
      code: 'LE_AUTH_CALLBACK_INVALID (state_mismatch)',
      sentence: /no longer in progress in this browser/
    })
    t.equal((await victim.navigate(own)).status, 200)
  }
)

t.test('A login cookie stored under the name of another state is refused.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const [first, second] = [
    new URL(await upToCallback(app, browser)),
    new URL(await upToCallback(app, browser))
  ]
  const cookies = await browser.jar.getCookies(app.origin)
  const valueOf = (url: URL): string =>
    cookies.find(cookie => cookie.key.endsWith(url.searchParams.get('state')!))!.value
  await browser.jar.setCookie(
    `le-auth.login.${second.searchParams.get('state')}=${valueOf(first)}; Path=/`,
    app.origin
  )
  await assertRefused(t, app, browser, second.href, {
    code: 'LE_AUTH_CALLBACK_INVALID (state_mismatch)',
    sentence: /no longer in progress in this browser/
  })
})

t.test('A refused callback does not change the login that the browser has.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const foreign = await upToCallback(app, app.browser())
  for (const query of [
    'error=access_denied',
    'error=x&state=wrong',
    `${new URL(foreign).searchParams}`
  ]) {
    t.equal((await browser.navigate(app.url(`/callback?${query}`))).status, 400)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  }
})
