import type { Test } from 'tap'
import { Pool } from 'undici'
import { attack, type Stage } from '../support/attack/attack.ts'
import type { Browser } from '../support/browser.ts'
import { errorCode } from '../support/checks.ts'
import { FixedClock, MINUTE } from '../support/clock.ts'
import { AGENT, logIn } from '../support/login.ts'
import { flood, type MeasuredApp, startMeasuredApp } from '../support/processes/measured.ts'
import { rawExchange } from '../support/raw-http.ts'

const MB = 1024 * 1024
const clock = new FixedClock()

/** Requests a page of an app without any cookie, and discards the response. */
function visitor(
  t: Test,
  app: MeasuredApp
): (path: string, method?: 'GET' | 'HEAD', headers?: Record<string, string>) => Promise<number> {
  const pool = new Pool(app.server, { connections: 20 })
  t.teardown(() => pool.destroy())
  return async (path, method = 'GET', headers = {}) => {
    const { statusCode, body } = await pool.request({
      path,
      method,
      headers: { host: 'localhost:3000', ...headers }
    })
    await body.dump()
    return statusCode
  }
}

attack(
  'DS1',
  '20,000 unfinished logins leave nothing in the store and nothing in memory',
  'RFC 6819 §4.4.1.11',
  async (t, stage) => {
    const app = await startMeasuredApp(t, stage)
    const request = visitor(t, app)
    await flood(2000, 20, () => request('/login'))
    const before = await app.measure()
    const statuses = new Set<number>()
    await flood(20_000, 20, async () => statuses.add(await request('/login?returnTo=/page/one')))
    const after = await app.measure()
    t.same([...statuses], [302])
    t.equal(after.records, 0, 'nothing is stored')
    t.ok(
      after.heap - before.heap < 4 * MB,
      `the heap has not grown: ${((after.heap - before.heap) / MB).toFixed(1)} MB more`
    )
    t.equal(stage.calls('domain'), 1, 'the Domain API is called once')
    t.equal(
      (await logIn({ ...stage, ...app }, app.browser(), AGENT, '/me')).json().id,
      AGENT.id,
      'a login still works'
    )
    t.equal((await app.measure()).records, 1, 'only this login is stored')
  }
)

attack(
  'DS1',
  'visitors, HEAD requests, prefetches and forged callbacks leave nothing in ' +
    'the store or in memory',
  'RFC 6819 §4.4.1.11',
  async (t, stage) => {
    const app = await startMeasuredApp(t, stage)
    const request = visitor(t, app)
    const forged = `/callback?code=A&state=${'x'.repeat(43)}`
    const visits: Array<() => Promise<number>> = [
      () => request('/'),
      () => request('/me'),
      () => request('/no-such-page'),
      () => request('/login', 'HEAD'),
      () => request(forged),
      () => request(forged, 'HEAD'),
      () => request('/login', 'GET', { 'sec-purpose': 'prefetch' }),
      () => request('/', 'GET', { cookie: `le-auth=${'x'.repeat(32)}.${'y'.repeat(43)}` })
    ]
    for (const visit of visits) t.ok((await visit()) < 500)
    const before = await app.measure()
    await flood(2000, 20, index => visits[index % visits.length]!())
    const after = await app.measure()
    t.equal(after.records, 0)
    t.ok(
      after.heap - before.heap < 4 * MB,
      `${((after.heap - before.heap) / MB).toFixed(1)} MB more`
    )
    t.equal(stage.exchanges(), 0)
  }
)

/** The Cookie header of a browser's request to the app. */
const cookieHeader = (stage: Stage, browser: Browser): Promise<string> =>
  browser.jar.getCookieString(stage.url('/'))

attack(
  'DS2',
  'a browser with a hundred unfinished logins carries only a few, and the next login works',
  'RFC 6265 §6.1',
  async (t, stage) => {
    for (const returnTo of ['/', `/${'a'.repeat(300)}`, `/${'a'.repeat(1999)}`]) {
      const browser = stage.browser()
      const query = `?returnTo=${returnTo}`
      for (let times = 0; times < 100; times += 1) await stage.login(browser, query)
      const cookies = await cookieHeader(stage, browser)
      t.ok(cookies.length < 4096, `${cookies.length} bytes of cookies`)
      t.ok((cookies.match(/\.login\./g) ?? []).length <= 5)
      t.equal((await logIn(stage, browser, AGENT, '/login?returnTo=/me')).json().id, AGENT.id)
    }
  }
)

attack(
  'DS2',
  'an image, a script, a frame or a prefetch begins no login',
  'W3C Fetch Metadata',
  async (t, stage) => {
    const browser = stage.browser()
    const kinds: Array<Record<string, string>> = [
      { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
      { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      { 'sec-purpose': 'prefetch' },
      { purpose: 'prefetch' }
    ]
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        browser.step(stage.url('/login'), {
          headers: { 'sec-fetch-site': 'cross-site', ...kinds[i % kinds.length] }
        })
      )
    )
    t.same(
      [...new Set(responses.map(response => `${response.status} ${errorCode(response)}`))],
      ['400 LE_AUTH_LOGIN_NOT_A_PAGE']
    )
    t.same(await browser.cookieNames(stage.url('/')), [])
    t.equal((await logIn(stage, browser, AGENT, '/login?returnTo=/me')).status, 200)
  }
)

/** What Safari before 16.4 and Firefox before 90 accept, by what they load. */
const NO_PAGES = {
  'an image in Safari': 'image/webp,image/avif,video/*;q=0.8,image/png,image/*;q=0.8,*/*;q=0.5',
  'an image in Firefox': 'image/webp,*/*',
  'an image in another browser': 'image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5',
  'a style sheet': 'text/css,*/*;q=0.1',
  'a video': 'video/webm,video/ogg,video/*;q=0.9,application/ogg;q=0.7,audio/*;q=0.6,*/*;q=0.5',
  'a script that wants JSON': 'application/json'
}

attack(
  'OS4',
  'images and style sheets begin no login in a browser without Fetch Metadata',
  'RFC 9110 §12.5.1',
  async (t, stage) => {
    const browser = stage.browser()
    for (const [what, accept] of Object.entries(NO_PAGES)) {
      const responses = await Promise.all(
        Array.from({ length: 45 }, () => browser.send(stage.url('/login'), { headers: { accept } }))
      )
      t.same(
        [...new Set(responses.map(response => `${response.status} ${errorCode(response)}`))],
        ['400 LE_AUTH_LOGIN_NOT_A_PAGE'],
        what
      )
    }
    t.same(await browser.cookieNames(stage.url('/')), [])
    t.equal(stage.calls('domain'), 0)
    for (const headers of [
      { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
      { accept: '*/*' },
      {}
    ] as Array<Record<string, string>>) {
      const { status } = await browser.send(stage.url('/login'), { headers })
      t.equal(status, 302, `a page, or a program: ${headers['accept']}`)
    }
  }
)

attack(
  'DS1',
  'a callback without a code leaves one short record of its state in a shared store, for 15 ' +
    'minutes',
  'RFC 6819 §4.4.1.11',
  async (t, stage) => {
    const queries = [
      'error=access_denied',
      'error=x',
      'code=',
      'code=A&code=B',
      'code=A&iss=https%3A%2F%2Fevil.example',
      'access_token=x',
      ''
    ]
    for (const query of queries) {
      const browser = stage.browser()
      const state = await stage.login(browser, `?returnTo=/${'a'.repeat(1000)}`)
      const cookiesOfBefore = await browser.copy()
      t.ok((await stage.callback(browser, `${query}&state=${state}`)).status >= 400, query)
      const [record, ...others] = [...stage.store.records.values()]
      t.ok(record!.length < 400, `${record!.length} bytes`)
      const { expires } = JSON.parse(record!).cookie
      t.equal(Date.parse(expires), clock.now() + 15 * MINUTE)
      t.same(others, [], query)
      t.equal(
        errorCode(await stage.callback(cookiesOfBefore, `code=A&state=${state}`)),
        'LE_AUTH_CALLBACK_INVALID (state_used)',
        'the state is used'
      )
      stage.store.records.clear()
    }
    t.equal(stage.exchanges(), 0)
  },
  { options: { now: clock.now } }
)

attack(
  'DS3',
  'giant parameters are refused or ignored, and never become a cookie or a record',
  'RFC 9110 §15.5.15',
  async (t, stage) => {
    const plain = stage.browser()
    await stage.login(plain)
    const usual = (await cookieHeader(stage, plain)).length
    for (const size of [2001, 8000, 14_000]) {
      for (const query of [
        `returnTo=/${'x'.repeat(size)}`,
        `state=${'x'.repeat(size)}`,
        `code=${'x'.repeat(size)}`,
        'a=1&'.repeat(size / 4),
        'returnTo=/a&'.repeat(size / 12)
      ]) {
        const browser = stage.browser()
        const begun = await browser.step(stage.url(`/login?${query}`))
        t.equal(begun.status, 302, `/login?${query.slice(0, 12)}… of ${size}`)
        t.ok(begun.location!.length < 1000)
        t.ok((await cookieHeader(stage, browser)).length < usual + 20)
        t.equal((await stage.callback(browser, query)).status, 400)
      }
    }
    t.equal(stage.exchanges(), 0)
    const browser = stage.browser()
    const state = await stage.login(browser)
    for (const query of [
      `code=A&state=${state}${'x'.repeat(14_000)}`,
      `state=${state}${'&code=A'.repeat(2000)}`
    ]) {
      t.equal((await stage.callback(browser, query)).status, 400)
    }
    const code = stage.browser()
    t.equal(
      (await stage.callback(code, `code=${'x'.repeat(14_000)}&state=${await stage.login(code)}`))
        .status,
      400,
      'Sentinel decides on a code'
    )
    t.equal(await stage.me(code), null)
    for (const [id, record] of stage.store.records) {
      t.ok(id.length + record.length < 500, 'nothing of the parameters is stored')
    }
  }
)

attack(
  'DS7',
  'cookie bombs and malformed Cookie headers break nothing',
  'CVE-2023-28625, CVE-2024-24814',
  async (t, stage) => {
    const stateLike = (index: number): string =>
      `${'x'.repeat(40)}${String(index).padStart(3, '0')}`
    const headers = [
      Array.from({ length: 60 }, (_, index) => `le-auth.login.${stateLike(index)}=x`).join('; '),
      Array.from({ length: 60 }, (_, index) => `le-auth.login.${index}=${'x'.repeat(100)}`).join(
        '; '
      ),
      `le-auth=${'x'.repeat(15_000)}`,
      `le-auth.login.${stateLike(0)}=${'x'.repeat(15_000)}`,
      'a=b; '.repeat(3000),
      ';;;=;',
      '=',
      '=x',
      ';',
      '__proto__=x',
      '__proto__=x; constructor=y; toString=z',
      'sid=%',
      'le-auth=%',
      'le-auth=%E0%A4%A',
      'le-auth="',
      'le-auth=".".',
      'le-auth=.',
      'le-auth=..',
      'le-auth',
      'le-auth=x.y; le-auth=z.w',
      'le-auth.login.=x',
      `le-auth.login.${stateLike(0)}=`,
      `le-auth.login.${stateLike(0)}=a.b.c.d.e`,
      'le-auth=\xff\xfe',
      'le-auth=\t',
      `le-auth=${'a.'.repeat(5000)}`,
      Array.from({ length: 500 }, (_, index) => `le-auth.${index}=x`).join('; '),
      `le-auth.login.__proto__=x; le-auth.login.constructor=${stateLike(1)}`
    ]
    for (const cookie of headers) {
      for (const path of ['/', '/me', '/login', `/callback?code=A&state=${stateLike(0)}`]) {
        const [status] =
          /(?<=^HTTP\/1\.1 )\d{3}/.exec(
            await rawExchange(
              stage.server,
              `GET ${path} HTTP/1.1\r\nhost: localhost:3000\r\ncookie: ${cookie}\r\nconnection: close\r\n\r\n`
            )
          ) ?? []
        t.match(
          status,
          /^(200|302|400|401|431)$/,
          `${path} with ${cookie.slice(0, 30)} of ${cookie.length}`
        )
      }
    }
    const many = headers
      .slice(0, 5)
      .map(cookie => `cookie: ${cookie.slice(0, 2500)}\r\n`)
      .join('')
    t.match(
      await rawExchange(
        stage.server,
        `GET /me HTTP/1.1\r\nhost: localhost:3000\r\n${many}connection: close\r\n\r\n`
      ),
      /^HTTP\/1\.1 401/,
      'several Cookie headers'
    )
    t.match(
      await rawExchange(
        stage.server,
        `GET / HTTP/1.1\r\nhost: localhost:3000\r\ncookie: ${'x'.repeat(64_000)}\r\n\r\n`
      ),
      /^HTTP\/1\.1 431/,
      'more than Node takes'
    )
    t.equal(stage.exchanges(), 0)
    t.equal(stage.store.records.size, 0)
    t.equal((await logIn(stage, stage.browser(), AGENT, '/me')).json().id, AGENT.id)
  }
)
