import type { Fault } from '../../lib/emulator/index.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import { failsCleanly } from '../support/attack/callbacks.ts'
import type { PageResponse, Browser } from '../support/browser.ts'
import { Clock, MINUTE } from '../support/clock.ts'
import { idToken } from '../support/id-tokens.ts'
import { logIn, logOut, pendingCallback } from '../support/login.ts'
import { isTokenWrite } from '../support/stores.ts'

const MARKER = 'marker-of-the-identity-service'
const HTML = { 'content-type': 'text/html' }

/** What the token endpoint may do instead of issuing tokens. */
const FAILURES: Array<[what: string, fault: Fault]> = [
  [
    '401 and JSON',
    {
      status: 401,
      body: JSON.stringify({
        error: 'invalid_client',
        error_description: MARKER,
        error_uri: `https://${MARKER}.example`
      })
    }
  ],
  [
    '400 and an unknown error',
    { status: 400, body: JSON.stringify({ error: MARKER, error_description: MARKER }) }
  ],
  [
    '400 for the code',
    { status: 400, body: JSON.stringify({ error: 'invalid_grant', error_description: MARKER }) }
  ],
  [
    'an error within an error',
    { status: 400, body: JSON.stringify({ error: { code: MARKER, message: MARKER } }) }
  ],
  ['500 and HTML', { status: 500, body: `<h1>${MARKER}</h1>`, headers: HTML }],
  ['a connection that is reset', { cutOff: 'before-response' }],
  ['half a response', { cutOff: 'mid-body' }],
  ['JSON that is not valid', { status: 200, body: `{"access_token":"${MARKER}",` }],
  ['HTML with 200', { status: 200, body: `<h1>${MARKER}</h1>`, headers: HTML }],
  ['tokens and no id_token', { change: response => ({ ...response, id_token: undefined }) }],
  [
    'an id_token of its own',
    { change: response => ({ ...response, id_token: `${MARKER}.${MARKER}.${MARKER}` }) }
  ],
  ['another token type', { change: response => ({ ...response, token_type: MARKER }) }],
  ['a redirect', { status: 302, headers: { location: `http://127.0.0.1:1/${MARKER}` } }],
  ['a challenge', { status: 401, headers: { 'www-authenticate': `Basic realm="${MARKER}"` } }]
]

/** Ways to send a callback. */
const WAYS: Array<
  [what: string, present: (stage: Stage, browser: Browser, url: string) => Promise<PageResponse>]
> = [
  ['as usual', (_stage, browser, url) => browser.step(url)],
  [
    'twice',
    async (_stage, browser, url) => {
      await browser.step(url)
      return browser.step(url)
    }
  ],
  ['from a script', (_stage, browser, url) => browser.script(url)],
  [
    'with an extra slash',
    (_stage, browser, url) => browser.step(url.replace('/callback?', '/callback/?'))
  ],
  [
    'with an extra slash, by HEAD',
    (_stage, browser, url) =>
      browser.step(url.replace('/callback?', '/callback/?'), { method: 'HEAD' })
  ],
  ['encoded', (_stage, browser, url) => browser.step(url.replace('/callback?', '/%63allback?'))],
  ['by HEAD', (_stage, browser, url) => browser.step(url, { method: 'HEAD' })],
  ['by POST', (_stage, browser, url) => browser.step(url, { method: 'POST', form: { x: 'y' } })],
  ['in a browser without cookies', (stage, _browser, url) => stage.browser().step(url)],
  [
    'to a failing exchange',
    (stage, browser, url) => {
      stage.sentinel.next('token', { status: 500 })
      return browser.step(url)
    }
  ],
  [
    'to a store that is down',
    async (stage, browser, url) => {
      stage.store.trouble = () => 'error'
      const response = await browser.step(url)
      stage.store.trouble = () => undefined
      return response
    }
  ]
]

attack(
  'TL1',
  'no code, no state and no token reaches the request log',
  'RFC 9700 §4.3.1',
  async (t, stage) => {
    for (const [what, present] of WAYS) {
      const browser = stage.browser()
      const { url, code, state } = await pendingCallback(stage, browser)
      const before = stage.logLines.length
      const { status } = await present(stage, browser, url)
      t.ok(status < 600, `${what}: ${status}`)
      const lines = stage.logLines.slice(before)
      t.ok(lines.length > 0, `${what}: it was logged`)
      t.notOk(
        lines.some(line => line.includes(code) || line.includes(state)),
        `${what}: without code and state`
      )
      stage.secrets.add(code).add(state)
    }
  }
)

attack(
  'TL2',
  'errors contain no secret, no token and no text from the identity service',
  'OWASP Logging, RFC 9700 §4.3',
  async (t, stage) => {
    stage.secrets.add(MARKER)
    for (const [what, fault] of FAILURES) {
      stage.sentinel.next('token', fault)
      const browser = stage.browser()
      const { url, code, state } = await pendingCallback(stage, browser)
      stage.secrets.add(code).add(state)
      const response = await failsCleanly(t, stage, browser, url, what)
      t.notMatch(JSON.stringify([response.text, response.headers]), MARKER, what)
    }
    t.notOk(
      stage.logLines.some(line => /authorization"?\s*:\s*"?(Basic|Bearer)/i.test(line)),
      'no credentials in a header'
    )
  }
)

attack(
  'TL2',
  'errors of a refresh, a revocation and a look-up contain no secret, no token ' +
    'and no text from the identity service',
  'OWASP Logging, RFC 9700 §4.3',
  async (t, stage) => {
    stage.secrets.add(MARKER)
    for (const [what, fault] of FAILURES.filter(([what]) =>
      ['401 and JSON', '500 and HTML', 'a redirect'].includes(what)
    )) {
      const browser = stage.browser()
      await logIn(stage, browser)
      stage.sentinel.next('domain', fault)
      t.ok(
        [502, 503].includes((await browser.script(stage.url('/look-up'))).status),
        `look-up: ${what}`
      )
      stage.sentinel.next('refresh', fault)
      t.ok(
        [401, 503].includes((await browser.script(stage.url('/renew'))).status),
        `refresh: ${what}`
      )

      const other = stage.browser()
      await logIn(stage, other)
      stage.sentinel.next('revoke', fault)
      t.equal((await logOut(stage, other, { revoke: 'true' })).status, 303, `revocation: ${what}`)
    }
  },
  {
    after: app => {
      let lookUps = 0
      app.get('/renew', { onRequest: app.requireAuth }, async request => {
        await request.leAuth!.refresh()
        return 'renewed'
      })
      // Each call names another service, so that none comes from memory.
      app.get('/look-up', { onRequest: app.requireAuth }, async request =>
        request.leAuth!.fetch(`service${lookUps++}`, '/')
      )
    }
  }
)

/** Ways a login can fail, each with its error. `prepare` returns the URL of the callback. */
const PRESENTED: Array<
  [what: string, code: RegExp, prepare: (stage: Stage, browser: Browser) => Promise<string>]
> = [
  ...FAILURES.map(([what, fault]): (typeof PRESENTED)[number] => [
    what,
    /LE_AUTH_(SENTINEL|CLIENT|CALLBACK|ID_TOKEN)_/,
    failing(fault)
  ]),
  [
    'an id_token for another client',
    /LE_AUTH_ID_TOKEN_INVALID/,
    failing({ change: response => ({ ...response, id_token: idToken({ aud: MARKER }) }) })
  ],
  [
    'a huge response',
    /LE_AUTH_SENTINEL_/,
    failing({ status: 200, body: JSON.stringify({ access_token: MARKER.repeat(100_000) }) })
  ],
  [
    'an error',
    /LE_AUTH_AUTHORIZATION_FAILED/,
    async (stage, browser) => {
      const { state } = await pendingCallback(stage, browser)
      return stage.url(
        `/callback?error=${MARKER}&error_description=${MARKER}&error_uri=https://${MARKER}.example/&state=${state}`
      )
    }
  ],
  [
    'a state that is too old',
    /LE_AUTH_CALLBACK_INVALID/,
    async (stage, browser) => {
      const { url } = await pendingCallback(stage, browser)
      late.advance(16 * MINUTE)
      return url
    }
  ],
  [
    'a state that is used',
    /LE_AUTH_CALLBACK_INVALID/,
    async (stage, browser) => {
      const url = await failing({ status: 500 })(stage, browser)
      await browser.step(url)
      return url
    }
  ],
  [
    'a store that goes down after the exchange',
    /LE_AUTH_STORE_UNAVAILABLE/,
    async (stage, browser) => {
      const { url } = await pendingCallback(stage, browser)
      stage.store.trouble = call => (isTokenWrite(call) ? 'error' : undefined)
      return url
    }
  ]
]

function failing(fault: Fault) {
  return async (stage: Stage, browser: Browser): Promise<string> => {
    stage.sentinel.next('token', fault)
    return (await pendingCallback(stage, browser)).url
  }
}

const late = new Clock()
for (const accept of ['text/html', 'application/json']) {
  attack(
    'TL3',
    `a failed login shows a fixed text and no internals, as ${accept}`,
    'OWASP Error Handling',
    async (t, stage) => {
      const environment = process.env['NODE_ENV']
      delete process.env['NODE_ENV']
      t.teardown(() => {
        if (environment !== undefined) process.env['NODE_ENV'] = environment
      })
      const texts = new Map<string, string>()
      for (const [what, code, prepare] of [...PRESENTED, ...PRESENTED]) {
        const browser = stage.browser()
        const url = await prepare(stage, browser)
        const response =
          accept === 'text/html' ? await browser.step(url) : await browser.script(url)
        stage.store.trouble = () => undefined
        t.ok([400, 502, 503].includes(response.status), `${what}: ${response.status}`)
        t.match(response.text, code, what)
        t.match(response.headers['content-type'], accept, what)
        t.notMatch(
          response.text,
          /\n\s+at |node_modules|\/lib\/|\.[jt]s:\d|stack/,
          `${what}: no stack`
        )
        t.notMatch(
          response.text,
          /https?:|127\.0\.0\.1|localhost|liveperson\.net|redis/,
          `${what}: no URL or host`
        )
        t.notMatch(response.text, MARKER, `${what}: no text from the identity service`)
        if (accept === 'application/json') {
          t.same(
            Object.keys(response.json()).sort(),
            ['code', 'error', 'message', 'statusCode'],
            what
          )
        }
        const text = response.text.replace(/<code>req-\w+<\/code>/, '')
        t.equal(text, texts.get(what) ?? text, `${what}: the same text each time`)
        texts.set(what, text)
      }
      t.equal(texts.size, PRESENTED.length)
      t.same([stage.store.tokenSets, stage.store.logins], [[], []])
    },
    { options: { now: late.now }, emulator: { now: late.now } }
  )
}

attack(
  'TL4',
  'a response of the callback leaks its URL to no other site',
  'RFC 9700 §4.2.4',
  async (t, stage) => {
    for (const [what, present] of WAYS) {
      const browser = stage.browser()
      const { url } = await pendingCallback(stage, browser)
      const response = await present(stage, browser, url)
      if (response.status === 303) t.equal(response.text, '', `${what}: a redirect without a body`)
      t.equal(response.headers['referrer-policy'], 'no-referrer', `${what}: ${response.status}`)
      t.notMatch(
        response.text,
        /\b(src|srcset|poster|background|data|action)\s*=|<link|<iframe|@import|url\(|https?:/i,
        `${what}: it loads nothing`
      )
      if (String(response.headers['content-type']).startsWith('text/html')) {
        t.match(response.headers['content-security-policy'], /^default-src 'none'/, what)
      }
    }
  }
)

attack(
  'TL4',
  'a callback that fails before the plugin’s route is reached leaks its URL to no other site',
  'RFC 9700 §4.2.4',
  async (t, stage) => {
    const browser = stage.browser()
    await logIn(stage, browser)
    const { url } = await pendingCallback(stage, browser)
    stage.store.trouble = () => 'error'
    const response = await browser.step(url)
    t.equal(response.status, 503)
    t.equal(response.headers['referrer-policy'], 'no-referrer')
  }
)
