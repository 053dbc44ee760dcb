import type { Test } from 'tap'
import { attack, type Stage } from '../support/attack/attack.ts'
import type { PageResponse, Browser } from '../support/browser.ts'
import { AGENT, enter, logIn, pendingCallback } from '../support/login.ts'
import { rawExchange } from '../support/raw-http.ts'

const HTTPS = 'https://app.example.com'
/** Fastify also accepts a number of hops, which its types omit. */
const PROXIED = ['10.0.0.1', 1, true, '127.0.0.1'] as Array<string | true>

/** Headers that name an address of the app, all of them wrong. */
const LIES: Array<Record<string, string>> = [
  { host: 'evil.example' },
  { host: 'evil.example:8080' },
  { host: 'localhost:3000.evil.example' },
  { 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-host': 'evil.example, localhost:3000' },
  { 'x-forwarded-host': 'a@evil.example/..\\' },
  { forwarded: 'for=1.2.3.4;host=evil.example;proto=https' },
  { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-proto': 'javascript' },
  { 'x-forwarded-prefix': '/evil' },
  { 'x-forwarded-port': '666' },
  { 'x-forwarded-server': 'evil.example' },
  { 'x-original-host': 'evil.example' },
  { 'x-host': 'evil.example' },
  { x_forwarded_host: 'evil.example' },
  { 'x-forwarded-for': 'evil.example' },
  { 'x-original-url': '/evil', 'x-rewrite-url': '/evil' },
  { origin: 'https://evil.example', referer: 'https://evil.example/' }
]

/** The parts of a response that stay the same: status, Location, cookies without their values. */
function essence({ status, setCookies, location = '' }: PageResponse): object {
  const cookies = setCookies.map(line =>
    line
      .replace(/=[^;]*/, '')
      .replace(/\.login\.[\w-]+/, '.login')
      .replace(/Expires=[^;]*/, 'Expires')
  )
  return { status, cookies, location: location.replace(/(state|code_challenge)=[\w-]+/g, '$1') }
}

/** The responses of a login, and of the requests before and after it, with these headers. */
async function tour(stage: Stage, headers: Record<string, string>): Promise<object[]> {
  const browser = stage.browser()
  const { url } = await pendingCallback(stage, browser)
  const with_ = async (target: string, options = {}): Promise<object> =>
    essence(await browser.step(target, { headers, ...options }))
  return [
    await with_(stage.url('/login?returnTo=/page/a')),
    await with_(stage.url('/page/a')),
    await with_(stage.url('/callback?code=A&state=x')),
    await with_(url),
    await with_(stage.url('/page/a')),
    essence(
      await browser.step(stage.url('/logout'), {
        method: 'POST',
        form: {},
        headers: { 'sec-fetch-site': 'same-origin', ...headers }
      })
    )
  ]
}

async function leadsNowhereElse(t: Test, stage: Stage): Promise<void> {
  const plain = await tour(stage, {})
  t.match(plain, [
    { status: 302 },
    { status: 302, location: '/login?returnTo=%2Fpage%2Fa' },
    { status: 400 },
    { status: 303, location: '/' },
    { status: 200 },
    { status: 303, location: '/' }
  ])
  for (const headers of LIES) t.same(await tour(stage, headers), plain, JSON.stringify(headers))
  for (const { query } of stage.sentinel.requests.filter(
    request => request.endpoint === 'authorize'
  )) {
    t.equal(query.get('redirect_uri'), stage.redirectUri)
  }
}

attack(
  'HH1',
  'no request header changes the app’s own address',
  'RFC 9700 §4.1, OWASP Host Header',
  leadsNowhereElse
)

for (const trustProxy of PROXIED) {
  attack(
    'HH2',
    `no request header changes the app’s own address, even with trustProxy: ${JSON.stringify(trustProxy)}`,
    'CVE-2026-3635, CVE-2026-16732, CVE-2026-27738',
    leadsNowhereElse,
    { fastify: { trustProxy } }
  )
}

const MALFORMED: Array<[what: string, version: string, lines: string]> = [
  ['a user in it', '1.1', 'Host: a@evil.example\r\n'],
  ['a path in it', '1.1', 'Host: a@b/..\\evil.example\r\n'],
  ['nothing in it', '1.1', 'Host:\r\n'],
  ['two lines', '1.1', 'Host: localhost:3000\r\nHost: evil.example\r\n'],
  ['none', '1.1', ''],
  ['none, in HTTP/1.0', '1.0', ''],
  ['a bracket', '1.1', 'Host: [evil.example\r\n'],
  ['a port that does not exist', '1.1', 'Host: evil.example:99999999\r\n'],
  ['bytes beyond ASCII', '1.1', 'Host: \xe9vil.example\r\n'],
  ['thousands of letters', '1.1', `Host: ${'evil.'.repeat(1000)}example\r\n`],
  [
    'a forwarded one',
    '1.1',
    'Host: localhost:3000\r\nX-Forwarded-Host: ' +
      'evil.example/..\\a@b\r\nX-Forwarded-Host: evil.example\r\n'
  ]
]

for (const trustProxy of [false, true]) {
  attack(
    'HH3',
    `a malformed Host header breaks nothing and is not used${trustProxy ? ', behind a proxy' : ''}`,
    'CVE-2026-27959, RFC 9112 §3.2',
    async (t, stage) => {
      const browser = stage.browser()
      await logIn(stage, browser)
      const cookie = await browser.jar.getCookieString(stage.origin)
      for (const [what, version, lines] of MALFORMED) {
        for (const [method, path] of [
          ['GET', '/login'],
          ['GET', '/callback?code=A&state=x'],
          ['GET', '/page/a'],
          ['POST', '/logout']
        ]) {
          const response = await rawExchange(
            stage.server,
            `${method} ${path} HTTP/${version}\r\n${lines}Accept: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
          )
          t.match(response, /^HTTP\/1\.1 [34]\d\d /, `${what}: ${path}`)
          t.notMatch(response, /evil/, `${what}: ${path}`)
          if (/^HTTP\/1\.1 302/.test(response) && path === '/login') {
            t.ok(response.includes(`redirect_uri=${encodeURIComponent(stage.redirectUri)}`), what)
          }
        }
        const member = await rawExchange(
          stage.server,
          `GET /page/a HTTP/${version}\r\n${lines}Cookie: ${cookie}\r\nConnection: close\r\n\r\n`
        )
        t.match(member, /^HTTP\/1\.1 (200|400) /, `${what}: a page of somebody who is logged in`)
      }
    },
    { fastify: { trustProxy } }
  )
}

/** All cookies that a login and a logout set and clear, with these headers. */
async function cookiesOf(stage: Stage, headers: Record<string, string>): Promise<string[]> {
  const browser = stage.browser()
  const { url } = await pendingCallback(stage, browser)
  const responses = [
    await browser.step(stage.url('/login'), { headers }),
    await browser.step(url, { headers }),
    await browser.step(stage.url('/logout'), {
      method: 'POST',
      form: {},
      from: stage.url('/'),
      headers
    })
  ]
  return responses.flatMap(response => response.setCookies)
}

attack(
  'HH4',
  'no request header removes Secure from a cookie',
  'CVE-2026-3635',
  async (t, stage) => {
    for (const proto of ['http', 'HTTP', 'http, https', 'https, http', 'ftp', '']) {
      const cookies = await cookiesOf(stage, {
        'x-forwarded-proto': proto,
        forwarded: 'proto=http',
        'x-forwarded-ssl': 'off',
        'front-end-https': 'off'
      })
      for (const cookie of cookies) t.match(cookie, /^__Host-[^;]*; .*Secure/, proto)
    }
  },
  { origin: HTTPS }
)

attack(
  'HH4',
  'an app that gets no sign of https responds with an error and sets no cookie',
  'CVE-2026-3635',
  async (t, stage) => {
    const response = await stage.browser().step(stage.url('/login'))
    t.equal(response.status, 500)
    t.match(response.text, 'LE_AUTH_INSECURE_REQUEST')
    t.same(response.setCookies, [])
  },
  { origin: HTTPS, fastify: { trustProxy: false } }
)

attack(
  'HH4',
  'no request header changes the cookies of an app on http',
  'CVE-2026-3635',
  async (t, stage) => {
    const names = (cookies: string[]): string[] =>
      cookies.map(cookie =>
        cookie
          .replace(/=[^;]*/, '')
          .replace(/\.login\.[\w-]+/, '.login')
          .replace(/Expires=[^;]*/, '')
      )
    const plain = await cookiesOf(stage, {})
    for (const proto of ['https', 'HTTPS', 'https, http']) {
      t.same(
        names(await cookiesOf(stage, { 'x-forwarded-proto': proto, forwarded: 'proto=https' })),
        names(plain),
        proto
      )
    }
  },
  { fastify: { trustProxy: true } }
)

/** Texts that would end a header line or a cookie's value. */
const BREAKERS = [
  '%0d%0aX-Injected:%201',
  '%0aX-Injected:%201',
  '%0dX-Injected:%201',
  '%00',
  '%0d%0a%0d%0a<script>',
  ';%20Domain=evil.example',
  '%3b%20Domain%3devil.example',
  '%e5%98%8a%e5%98%8dX-Injected:%201',
  '%c0%8d%c0%8aX-Injected:%201',
  '%u000aX-Injected:%201',
  '%250d%250aX-Injected:%201',
  '%e2%80%a8X-Injected:%201',
  '%7f',
  '%ff%fe',
  '%2c%20evil=1',
  '%22%5c'
]

attack(
  'HH5',
  'no line break, NUL or semicolon adds a header or a cookie attribute',
  'RFC 6749 §10.14, CVE-2026-16729',
  async (t, stage) => {
    const attributes = (response: PageResponse): string[] =>
      response.setCookies.map(line =>
        line
          .split('; ')
          .slice(1)
          .filter(part => !part.startsWith('Expires'))
          .join('; ')
      )
    for (const breaker of BREAKERS) {
      const browser = stage.browser()
      for (const path of [
        `/login?returnTo=/page/a${breaker}`,
        `/login?returnTo=${breaker}`,
        `/login?${breaker}=1`,
        `/page/a?b=${breaker}`,
        `/callback?code=A&state=${breaker}`,
        `/callback?error=${breaker}&state=x`,
        `/callback?code=${breaker}&state=${'x'.repeat(43)}`
      ]) {
        const response = await browser.step(stage.url(path))
        t.ok(response.status < 500, `${response.status} ${path}`)
        t.notOk('x-injected' in response.headers, path)
        t.notMatch(Object.values(response.headers).flat().join('\n'), /domain=evil|evil=/i, path)
        for (const line of attributes(response)) {
          t.match(line, /^(Max-Age=3600; )?Path=\/; (Expires; )?HttpOnly; SameSite=Lax$/, path)
        }
        t.match(response.location ?? '/', /^[\x21-\x7e]*$/, path)
      }
      const known = await pendingCallback(stage, browser)
      const failed = await browser.step(
        stage.url(`/callback?error=${breaker}&error_description=${breaker}&state=${known.state}`)
      )
      t.ok([400, 403, 502].includes(failed.status), `${failed.status} ${breaker}`)
      t.notOk('x-injected' in failed.headers, breaker)
    }
  }
)

attack(
  'HH5',
  'no line break, NUL or semicolon in a return path adds a header or a cookie ' +
    'attribute when the login finishes',
  'RFC 6749 §10.14, CVE-2026-16729',
  async (t, stage) => {
    for (const breaker of BREAKERS) {
      for (const start of [
        `/login?returnTo=/page/a${breaker}`,
        `/login?returnTo=/page/a?b=${breaker}`,
        `/login?returnTo=${breaker}`
      ]) {
        const response = await enter(stage, stage.browser(), AGENT, start)
        t.equal(response.status, 303, start)
        t.match(response.location, /^\/(?!\/)[\x21-\x7e]*$/, start)
        t.notOk('x-injected' in response.headers, start)
        t.equal(
          response.setCookies.length,
          2,
          `${start}: the removal of the pending login’s cookie, and the login’s cookie`
        )
        t.notMatch(response.setCookies.join('\n'), /evil/i, start)
      }
    }
  }
)

attack(
  'HH5',
  'a login returns to a path with line breaks, NUL or semicolons, in a form ' +
    'that a header can carry',
  'RFC 6749 §10.14, RFC 3986 §2.1',
  async (t, stage) => {
    for (const path of [
      '/page/%0d%0aX-Injected:%201',
      '/page/%00',
      '/page/a;%20Domain=evil.example',
      '/page/%e2%80%a8'
    ]) {
      const browser: Browser = stage.browser()
      const response = await logIn(
        stage,
        browser,
        undefined,
        `/login?returnTo=${encodeURIComponent(path)}`
      )
      t.equal(new URL(response.url).href, stage.url(path), path)
      t.notOk(
        browser.history.some(response => 'x-injected' in response.headers),
        path
      )
    }
  }
)
