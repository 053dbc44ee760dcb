import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { attack, type Stage } from '../support/attack/attack.ts'
import { expectRefused } from '../support/attack/callbacks.ts'
import { ADMIN, AGENT, logIn, upToCallback } from '../support/login.ts'
import { rawExchange } from '../support/raw-http.ts'

const HTTPS = 'https://app.example.com'
const queryOf = (url: string): string => new URL(url).searchParams.toString()

attack(
  'LC3',
  'over https no other host can set the cookies of a login',
  'CVE-2026-18165, RFC 6265bis §4.1.3',
  async (t, stage) => {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser)
    const responses = [...browser.history, await browser.step(callback)]
    const lines = responses
      .filter(({ url }) => url.startsWith(HTTPS))
      .flatMap(({ setCookies }) => setCookies)
    t.equal(lines.length, 3, 'the pending login’s cookie, its removal, and the login’s cookie')
    for (const line of lines) {
      t.match(line, /^__Host-le-auth[.=]/)
      t.match(line, /; Path=\/(;|$)/)
      for (const attribute of ['; Secure', '; HttpOnly', '; SameSite=Lax']) t.match(line, attribute)
      t.notMatch(line, /; Domain=/i)
    }
  },
  { origin: HTTPS }
)

attack(
  'LC3',
  'a sibling host cannot plant an attacker’s login under another name',
  'CVE-2026-18165, RFC 6265bis §4.1.3',
  async (t, stage) => {
    const attacker = stage.browser()
    const callback = await upToCallback(stage, attacker, '/login', ADMIN)
    const transaction = (await attacker.jar.getCookies(stage.origin)).find(({ key }) =>
      key.includes('.login.')
    )!
    const victim = stage.browser()
    for (const key of [
      transaction.key,
      transaction.key.toLowerCase(),
      transaction.key.replace('__Host-', '__Secure-'),
      transaction.key.replace('__Host-', '')
    ]) {
      await victim.jar.setCookie(
        `${key}=${transaction.value}; Domain=example.com; Path=/; Secure`,
        'https://evil.example.com/',
        { ignoreError: true }
      )
    }
    t.equal(
      (await victim.cookieNames(stage.origin)).includes(transaction.key),
      false,
      'browsers refuse such a cookie with a Domain'
    )
    await expectRefused(t, stage, victim, queryOf(callback))

    // Names that a browser may accept, as bytes: other white space before the prefix, escapes, and
    // old syntax.
    const others = [
      '',
      '__host-',
      '__HOST-',
      '__Secure-',
      '\u00a0__Host-',
      '\u00c2\u00a0__Host-',
      '\u00e2\u0080\u0080__Host-',
      '\u0085__Host-',
      '%5F%5FHost-',
      '"__Host-',
      '__Host-__Host-',
      '$Version=1, __Host-'
    ]
    for (const prefix of others) {
      const response = await present(
        stage,
        callback,
        `${transaction.key.replace('__Host-', prefix)}=${transaction.value}`
      )
      t.match(response, /^HTTP\/1.1 400 /, JSON.stringify(prefix))
    }
    t.equal(stage.exchanges(), 0)
    t.match(
      await present(stage, callback, `${transaction.key}=${transaction.value}`),
      /^HTTP\/1.1 303 /,
      'only the exact name is accepted, and no other host can set it'
    )

    await attacker.navigate(stage.url('/login'))
    const session = (await attacker.jar.getCookies(stage.origin)).find(
      ({ key }) => key === '__Host-le-auth'
    )!
    for (const prefix of others) {
      t.match(
        await request(stage, '/me', `${prefix}le-auth=${session.value}`),
        /^HTTP\/1.1 401 /,
        JSON.stringify(prefix)
      )
    }
  },
  { origin: HTTPS }
)

/** Opens a callback with exactly this Cookie header, as bytes. */
function present(stage: Stage, callback: string, cookie: string): Promise<string> {
  const { pathname, search } = new URL(callback)
  return request(stage, pathname + search, cookie)
}

function request(stage: Stage, path: string, cookie: string): Promise<string> {
  return rawExchange(
    stage.server,
    `GET ${path} HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-Proto: https\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`
  )
}

attack(
  'LC3',
  'the README says what an app’s own session cookie needs',
  'CVE-2026-18165',
  async t => {
    t.match(readFileSync('README.md', 'utf8').replaceAll(/\s+/g, ' '), /keep the `__Host-` prefix/)
  }
)

attack(
  'LC9',
  'states are 256 random bits, and contain no information',
  'CVE-2023-31999, RFC 6749 §10.10',
  async (t, stage) => {
    const states: string[] = []
    const one = stage.browser()
    for (let i = 0; i < 1000; i += 1) {
      states.push(await stage.login(stage.browser(), '?returnTo=/page/secret-place'))
      states.push(await stage.login(one, '?returnTo=/page/secret-place'))
    }
    t.equal(new Set(states).size, 2000, 'all distinct')
    const bytes = states.map(state => Buffer.from(state, 'base64url'))
    t.ok(bytes.every(({ length }) => length === 32))
    // Each bit is a coin: of 2,000 throws, fewer than 800 or more than 1,200 heads do not happen.
    t.same(
      Array.from({ length: 256 }, (_, bit) => bit).filter(
        bit => Math.abs(ones(bytes, bit) - 1000) > 200
      ),
      [],
      'no bit is fixed or biased'
    )
    const { value } = (await one.jar.getCookies(stage.origin)).at(-1)!
    for (const text of [...states.slice(-2), value]) {
      t.notMatch(
        [
          text,
          ...text.split('.').map(part => Buffer.from(part, 'base64url').toString('latin1'))
        ].join(' '),
        /secret-place/,
        'sealed'
      )
    }
  }
)

function ones(samples: Buffer[], bit: number): number {
  return samples.filter(sample => ((sample[bit >> 3]! >> (bit & 7)) & 1) === 1).length
}

const EVIL =
  'state=evil&redirect_uri=https://evil.example&client_id=evil&response_type=token&scope=admin&nonce=1&response_mode=fragment&prompt=none' +
  '&code_challenge=evil&code_challenge_method=plain&v=9&accountId=evil&login_hint=evil' +
  '&request=evil&request_uri=evil&resource=evil&audience=evil'
const EVIL_PATH = `returnTo=${encodeURIComponent('/page/a&redirect_uri=https://evil.example#&client_id=evil')}`

for (const authorizationMethod of ['GET', 'POST'] as const) {
  attack(
    'LC10',
    `no parameter of /login reaches the authorization request by ${authorizationMethod}`,
    'CVE-2025-67716',
    async (t, stage) => {
      for (const query of [
        EVIL,
        EVIL_PATH,
        `${EVIL}&${EVIL_PATH}`,
        `returnTo=/page/a%26redirect_uri=https://evil.example&${EVIL}`
      ]) {
        const { location, text } = await stage.browser().step(stage.url(`/login?${query}`))
        const url = new URL(location ?? /action="([^"]+)"/.exec(text)![1]!.replaceAll('&#38;', '&'))
        t.equal(url.origin, stage.sentinel.url)
        const { state, code_challenge: challenge, ...rest } = Object.fromEntries(url.searchParams)
        t.same(rest, {
          v: '1.0',
          response_type: 'code',
          client_id: stage.sentinel.accounts[0]!.applications[0]!.clientId,
          redirect_uri: stage.redirectUri,
          code_challenge_method: 'S256'
        })
        t.equal([...url.searchParams.keys()].length, Object.keys(rest).length + 2, 'each once')
        t.match([state, challenge].join(' '), /^[\w-]{43} [\w-]{43}$/)
        t.notMatch(url.href + text, /evil/)
      }
    },
    { options: { authorizationMethod } }
  )
}

attack(
  'LC11',
  'an unsolicited error disturbs no session and no pending login',
  'OpenID Connect Core §3.1.2.6',
  async (t, stage) => {
    const user = stage.browser()
    await logIn(stage, user)
    const both = await user.copy()
    const pending = stage.browser()
    const callbacks = [await upToCallback(stage, both), await upToCallback(stage, pending)]
    for (const browser of [user, both, pending]) {
      for (const query of [
        'error=access_denied',
        'error=x&state=wrong',
        `error=access_denied&state=${'x'.repeat(43)}`,
        'error=login_required&state=',
        'error=x&error_description=%3Cscript%3Ealert(1)%3C/script%3E'
      ]) {
        const response = await expectRefused(t, stage, browser, query)
        t.same(response.setCookies, [])
        t.notMatch(response.text, '<script')
      }
    }
    t.equal((await both.step(callbacks[0]!)).status, 303)
    t.equal((await pending.step(callbacks[1]!)).status, 303, 'the pending login can still finish')
    t.same([await stage.me(both), await stage.me(pending)], [AGENT.id, AGENT.id])
  }
)

attack(
  'LC12',
  'an attacker’s login never replaces the victim’s',
  'RFC 6749 §10.12',
  async (t, stage) => {
    const victim = stage.browser()
    await logIn(stage, victim, AGENT)
    await stage.login(victim)
    const attacker = stage.browser()
    const callback = await upToCallback(stage, attacker, '/login', ADMIN)
    await expectRefused(t, stage, victim, queryOf(callback))
    t.equal(await stage.me(victim), AGENT.id)
    t.equal((await attacker.step(callback)).status, 303)
    // The attacker has finished the login, so the URL only leads to a page, as any link could.
    t.equal((await stage.callback(victim, queryOf(callback))).location, '/')
    t.same([await stage.me(victim), await stage.me(attacker)], [AGENT.id, ADMIN.id])
  }
)

attack(
  'LC13',
  'another site can start a login, and the present login loses nothing',
  'CVE-2015-9284',
  async (t, stage) => {
    const browser = stage.browser()
    await logIn(stage, browser)
    await browser.step(stage.url('/fill'))
    const stored = (): string[] => [...stage.store.records.keys()].sort()
    const before = stored()
    for (const mode of ['navigate', 'no-cors']) {
      const headers = {
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': mode,
        'sec-fetch-dest': mode === 'navigate' ? 'document' : 'image'
      }
      const response = await browser.step(stage.url('/login'), { headers })
      t.ok(response.status < 500)
      await expectUntouched(t, stage, browser)
    }
    t.same(stored(), before, 'nothing was stored or removed')
    t.equal(
      (await stage.callback(browser, `error=access_denied&state=${await stage.login(browser)}`))
        .status,
      403,
      'a failed login is no logout'
    )
    await expectUntouched(t, stage, browser)
  },
  {
    after: (app: FastifyInstance) => {
      app.get('/fill', async ({ session }) => {
        Object.assign(session, { cart: ['a book'] })
        return 'filled'
      })
      app.get('/cart', async ({ session }) => ({
        cart: (session as { cart?: unknown }).cart ?? null
      }))
    }
  }
)

async function expectUntouched(
  t: Test,
  stage: Stage,
  browser: ReturnType<Stage['browser']>
): Promise<void> {
  t.equal(await stage.me(browser), AGENT.id)
  t.same((await browser.script(stage.url('/cart'))).json(), { cart: ['a book'] })
}
