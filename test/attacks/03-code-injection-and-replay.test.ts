import { readFileSync } from 'node:fs'
import { attack, type Stage } from '../support/attack/attack.ts'
import { failsCleanly, expectRefused } from '../support/attack/callbacks.ts'
import { errorCode } from '../support/checks.ts'
import { idToken } from '../support/id-tokens.ts'
import { ADMIN, AGENT, logIn, upToCallback } from '../support/login.ts'
import { rawExchange } from '../support/raw-http.ts'

const queryOf = (url: string): string => new URL(url).searchParams.toString()
const stateIn = (url: string): string => new URL(url).searchParams.get('state')!

attack(
  'CI1',
  'a victim’s code is worthless in the attacker’s login',
  'RFC 9700 §4.5, RFC 7636',
  async (t, stage) => {
    const attacker = stage.browser()
    const state = await stage.login(attacker)
    const stolen = await stage.codeOf(ADMIN)
    await failsCleanly(
      t,
      stage,
      attacker,
      stage.url(`/callback?code=${stolen}&state=${state}`),
      'a stolen code',
      400
    )
    const [exchange] = stage.sentinel.requests.filter(({ endpoint }) => endpoint === 'token')
    t.match(
      exchange!.body!.get('code_verifier'),
      /^[\w-]{43,}$/,
      'the code was sent with the attacker’s own verifier'
    )
  }
)

attack(
  'CI1',
  'the README says that the gap is open if Sentinel ignores PKCE',
  'RFC 9700 §4.5',
  async t => {
    t.match(
      readFileSync('README.md', 'utf8').replaceAll(/\s+/g, ' '),
      /Sentinel knows no nonce and may ignore PKCE; then a stolen authorization code can be injected into another login/
    )
  }
)

attack(
  'CI2',
  'a callback that is opened again exchanges nothing, and the user stays logged in',
  'RFC 6749 §4.1.2',
  async (t, stage) => {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser, '/page/there')
    await browser.step(callback)
    const stored = [...stage.store.records]
    for (let i = 0; i < 3; i += 1) {
      const again = await browser.step(callback)
      t.equal(`${again.status} ${again.location}`, '303 /page/there')
      t.equal(await stage.me(browser), AGENT.id)
    }
    t.equal(stage.exchanges(), 1)
    t.same([...stage.store.records], stored, 'nothing was written')
  }
)

attack(
  'CI4',
  'a callback without exactly one code is refused',
  'RFC 6749 §3.1, §4.1.2',
  async (t, stage) => {
    for (const codes of [
      '',
      'code=',
      'code',
      'code=A&code=B',
      'code=A&code=A',
      'code=&code=A',
      'code=A&code=',
      'code[]=A',
      'Code=A',
      'code%00=A'
    ]) {
      const browser = stage.browser()
      const state = await stage.login(browser)
      const cookiesOfBefore = await browser.copy()
      await expectRefused(t, stage, browser, `${codes}&state=${state}`)
      const second = await expectRefused(
        t,
        stage,
        cookiesOfBefore,
        `code=${await stage.codeOf()}&state=${state}`
      )
      t.equal(
        errorCode(second),
        'LE_AUTH_CALLBACK_INVALID (state_used)',
        `the state is used: ${codes}`
      )
    }
    t.equal(stage.exchanges(), 0)
  }
)

/**
 * Errors in a callback, and the status for each. Anybody can open such an address, so none of them
 * counts as a failure of a server.
 */
const ERRORS: Array<[query: string, status: number]> = [
  ['error=access_denied', 403],
  ['code=A&error=access_denied', 403],
  [
    'error=access_denied&error_description=%3Cb%3Ecall%20555%3C/b%3E&error_uri=https://evil.example',
    403
  ],
  ['error=access_denied&error=access_denied', 400],
  ['error=x&error=access_denied', 400],
  ['code=A&error=x', 400],
  ['error=invalid_scope', 400],
  ['error=%3Cscript%3Ealert(1)%3C/script%3E', 400],
  ['error=temporarily_unavailable', 400],
  ['code=A&error=server_error', 400]
]

attack(
  'CI5',
  'an error with a valid state logs nobody in, code or no code, and uses the state',
  'OpenID Connect Core §3.1.2.6, RFC 6749 §4.1.2.1',
  async (t, stage) => {
    for (const [query, status] of ERRORS) {
      const browser = stage.browser()
      const callback = await upToCallback(stage, browser)
      const response = await expectRefused(
        t,
        stage,
        browser,
        `${query}&state=${stateIn(callback)}`,
        status
      )
      t.notMatch(response.text, /<script|call 555|evil\.example/)
      t.notMatch(stage.logLines.join(''), /<script|call 555|evil\.example/)
      t.equal(
        errorCode(await expectRefused(t, stage, browser, queryOf(callback))),
        'LE_AUTH_CALLBACK_INVALID (state_used)'
      )
    }
    t.equal(stage.exchanges(), 0)
  }
)

const CODES = [
  'A&client_id=evil&redirect_uri=x',
  'A\r\nX: 1',
  'A\u0000',
  'A=B',
  'A+B',
  'A%26client_id=evil',
  'é☃',
  ' ',
  '"',
  "A'; --",
  '{"code":1}',
  `A${'x'.repeat(8_000)}`
]

attack(
  'CI6',
  'a code is sent to Sentinel as one value, whatever it contains',
  'RFC 6749 §10.14',
  async (t, stage) => {
    for (const code of CODES) {
      const browser = stage.browser()
      const state = await stage.login(browser)
      const before = stage.sentinel.requests.length
      const response = await stage.callback(
        browser,
        new URLSearchParams({ code, state }).toString()
      )
      t.equal(
        `${response.status} ${errorCode(response)}`,
        '400 LE_AUTH_CALLBACK_INVALID (code_rejected)'
      )
      const [exchange, ...others] = stage.sentinel.requests.slice(before)
      t.same(others, [])
      t.same([...exchange!.body!.keys()].sort(), [
        'client_id',
        'client_secret',
        'code',
        'code_verifier',
        'grant_type',
        'redirect_uri'
      ])
      t.same(
        [
          exchange!.body!.getAll('code'),
          exchange!.body!.getAll('redirect_uri'),
          [...exchange!.query]
        ],
        [[code], [stage.redirectUri], [['v', '1.0']]]
      )
      t.equal(exchange!.headers['x'], undefined)
      t.equal(await stage.me(browser), null)
    }
  }
)

attack(
  'CI6',
  'a code that does not fit in a request never reaches Sentinel',
  'RFC 6749 §10.14',
  async (t, stage) => {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser)
    const cookie = await browser.jar.getCookieString(stage.url('/callback'))
    const request = `GET /callback?code=${'x'.repeat(16_384)}&state=${stateIn(callback)} HTTP/1.1\r\nHost: localhost:3000\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`
    t.match(
      await rawExchange(stage.server, request).catch(() => 'closed'),
      /^(HTTP\/1.1 431 |closed)/
    )
    t.equal(stage.exchanges(), 0)
    t.equal((await browser.step(callback)).status, 303, 'it did not use the state')
  }
)

attack(
  'CI7',
  'only a code in the query of a GET request is a callback',
  'RFC 6749 §4.1.2, OAuth 2.0 Form Post Response Mode',
  async (t, stage) => {
    for (const query of [
      'access_token=x',
      'access_token=x&token_type=bearer',
      'id_token=x',
      'code=A&id_token=x',
      'token=x',
      'code=A&token=x',
      'response=jwt',
      'code=A&response=jwt',
      'id_token=x&access_token=y'
    ]) {
      const browser = stage.browser()
      await expectRefused(t, stage, browser, `${query}&state=${await stage.login(browser)}`)
    }
    const browser = stage.browser()
    const callback = new URL(await upToCallback(stage, browser))
    const form = Object.fromEntries(callback.searchParams)
    for (const [url, body] of [
      [stage.url('/callback'), form],
      [callback.href, form],
      [callback.href, {}]
    ] as const) {
      const response = await browser.step(url, {
        method: 'POST',
        form: body,
        from: stage.sentinel.url
      })
      t.equal(`${response.status} ${response.text}`, '405 ')
      t.same(response.setCookies, [])
    }
    t.equal(stage.exchanges(), 0)
    t.equal(
      (await browser.step(callback.href)).status,
      303,
      'the POST requests did not use the state'
    )
  }
)

attack(
  'CI8',
  'the plugin sends no nonce, so it refuses an id_token that has one',
  'RFC 9700 §4.5.3.2, OpenID Connect Core §3.1.3.7',
  async (t, stage) => {
    for (const nonce of ['of-another-login', '', 1, null]) {
      const browser = stage.browser()
      const page = await browser.step(stage.url('/login?nonce=of-another-login'))
      t.equal(new URL(page.location!).searchParams.has('nonce'), false)
      const callback = await stage.sentinel.signIn(page.location!, AGENT.loginName)
      stage.sentinel.next('token', {
        change: response => ({ ...response, id_token: idToken({ nonce }) })
      })
      await failsCleanly(t, stage, browser, callback, `nonce ${JSON.stringify(nonce)}`, 502)
    }
    await isStillPossible(stage)
  }
)

/** A good token passes, so the nonce is the reason for the refusals above. */
async function isStillPossible(stage: Stage): Promise<void> {
  stage.sentinel.next('token', { change: response => ({ ...response, id_token: idToken() }) })
  const browser = stage.browser()
  await logIn(stage, browser)
  if ((await stage.me(browser)) !== AGENT.id) throw new Error('a good id_token was refused as well')
}
