import { attack, type AttackSetting } from '../support/attack/attack.ts'
import { errorCode, whoIs } from '../support/checks.ts'
import { SHORT_DEADLINE } from '../support/clock.ts'
import { cookieHeader } from '../support/cookies.ts'
import { AGENT, enter, logOut } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'
import type { StoreCall } from '../support/stores.ts'
import { hold } from '../support/wait.ts'
import type { LogoutEvent } from '../../lib/index.ts'

/** How late a response may be on a busy machine. */
const LATE = 4000

const CROSS_SITE: Array<Record<string, string>> = [
  {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    origin: 'https://evil.example'
  },
  { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
  {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'cors',
    'sec-fetch-dest': 'empty',
    origin: 'https://evil.example'
  },
  { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:3000' },
  { 'sec-fetch-site': 'same-site', origin: 'https://sibling.example.com' },
  { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'same-origin' },
  { 'sec-fetch-site': 'Same-Origin' },
  { 'sec-fetch-site': '' },
  { 'sec-fetch-site': 'same-origin, cross-site' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: 'http://localhost:3000.evil.example' },
  { origin: 'http://localhost:3001' },
  { origin: 'https://localhost:3000' },
  { origin: 'http://localhost:3000/' },
  { origin: 'HTTP://LOCALHOST:3000' },
  { host: 'evil.example', origin: 'http://evil.example' },
  { host: 'evil.example', origin: 'http://evil.example', 'x-forwarded-host': 'evil.example' },
  { referer: 'http://localhost:3000/' },
  { 'x-http-method-override': 'POST', 'sec-fetch-site': 'cross-site' },
  {}
]

attack(
  'LO1',
  'no other site can log a user out, of the app or of LivePerson',
  'RFC 6749 §10.12, OWASP CSRF Prevention Cheat Sheet',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser)
    const before = [...stage.store.records]
    for (const headers of CROSS_SITE) {
      for (const query of ['', '?revoke=true', '?_method=POST']) {
        const what = `${JSON.stringify(headers)} ${query}`
        const post = await browser.send(stage.url(`/logout${query}`), {
          method: 'POST',
          headers,
          form: { revoke: 'true', _method: 'POST' }
        })
        t.equal(
          `${post.status} ${errorCode(post)} ${post.setCookies.length}`,
          '403 LE_AUTH_LOGOUT_CROSS_SITE 0',
          what
        )
        for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
          const response = await browser.send(stage.url(`/logout${query}`), { method, headers })
          t.equal(
            `${response.status} ${response.setCookies.length} ${response.headers['access-control-allow-origin']}`,
            `${['GET', 'HEAD'].includes(method) ? 405 : 404} 0 undefined`,
            `${method} ${what}`
          )
        }
      }
    }
    t.same([...stage.store.records], before)
    t.equal(stage.calls('revoke'), 0)
    t.equal(await stage.me(browser), AGENT.id)
  }
)

attack(
  'LO1',
  'no content type that another site may send without a preflight logs a user out',
  'OWASP CSRF Prevention Cheat Sheet',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser)
    const bodies = {
      'text/plain': '{"revoke":true}',
      'application/x-www-form-urlencoded': 'revoke=true',
      'multipart/form-data; boundary=x': '--x\r\n\r\n--x--',
      'application/json': '{"revoke":true}',
      'application/json;': '{"revoke":'
    }
    for (const [type, body] of Object.entries(bodies)) {
      const { status } = await rawRequest(stage, '/logout', {
        method: 'POST',
        browser,
        headers: { 'Content-Type': type, 'Sec-Fetch-Site': 'cross-site' },
        body
      })
      t.ok([400, 403, 415].includes(status), `${type}: ${status}`)
    }
    t.equal(await stage.me(browser), AGENT.id)
    t.equal(stage.calls('revoke'), 0)
  }
)

attack(
  'LO1',
  'a form of the app itself logs out, and revokes nothing unless it says so',
  'OWASP CSRF Prevention Cheat Sheet',
  async (t, stage) => {
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: stage.origin }
    ]) {
      const browser = stage.browser()
      await enter(stage, browser)
      const response = await browser.send(stage.url('/logout'), {
        method: 'POST',
        headers: { ...headers, accept: 'text/html' },
        form: {}
      })
      t.equal(`${response.status} ${response.location}`, '303 /', JSON.stringify(headers))
      t.equal(await stage.me(browser), null)
    }
    t.equal(stage.calls('revoke'), 0)
  }
)

const COOKIE_SETTINGS = [
  { origin: 'http://localhost:3000', cookie: {}, name: 'le-auth' },
  { origin: 'https://app.example.com', cookie: {}, name: '__Host-le-auth' },
  {
    origin: 'https://app.example.com',
    cookie: { domain: 'example.com' },
    name: '__Secure-le-auth'
  },
  {
    origin: 'https://app.example.com',
    cookie: { sameSite: 'none', partitioned: true },
    name: '__Host-le-auth'
  }
] as const

for (const { origin, cookie, name } of COOKIE_SETTINGS) {
  const setting = `${origin} ${JSON.stringify(cookie)}`
  attack(
    'LO2',
    `a cookie from before the logout is worthless, and is cleared with the attributes it had: ${setting}`,
    'CVE-2024-35220, CVE-2024-31999, CVE-2025-46344',
    async (t, stage) => {
      const browser = stage.browser()
      const begun = await enter(stage, browser)
      const saved = await cookieHeader(stage, browser)
      const [session] = stage.store.logins
      t.equal(await stage.me(browser), AGENT.id)
      const response = await logOut(stage, browser)
      t.equal(response.status, 303)

      t.equal(await whoIs(stage, stage.browser(), saved), null)
      t.equal(await stage.me(browser), null)
      t.notOk(stage.store.records.has(session!))
      t.same(stage.store.tokenSets, [])
      const cleared = response.setCookies.filter(line => line.startsWith(`${name}=`))
      t.equal(cleared.length, 1)
      t.match(cleared[0], new RegExp(`^${name}=; Max-Age=0;.* Expires=Thu, 01 Jan 1970`))
      t.same(
        attributes(cleared[0]!),
        attributes(begun.setCookies.filter(line => line.startsWith(`${name}=`)).at(-1)!)
      )
      const mark = `${name}.logged-out=1`
      t.equal(await cookieHeader(stage, browser), mark, 'the browser deletes it')
    },
    { origin, options: { cookie } }
  )
}

function attributes(line: string): string[] {
  return line
    .split('; ')
    .slice(1)
    .filter(attribute => !/^(Max-Age|Expires)=/.test(attribute))
    .sort()
}

attack(
  'LO6',
  'a logout without a login, or a second logout, succeeds and changes nothing',
  'RFC 7009 §2.2',
  async (t, stage) => {
    const browser = stage.browser()
    for (const cookie of ['', 'le-auth=garbage', 'le-auth=', 'le-auth=a.b']) {
      const response = await browser.send(stage.url('/logout'), {
        method: 'POST',
        headers: { 'sec-fetch-site': 'same-origin', accept: 'text/html', cookie },
        form: { revoke: 'true' }
      })
      t.equal(`${response.status} ${response.location}`, '303 /', cookie)
    }
    t.equal(stage.store.records.size, 0)
    await enter(stage, browser)
    for (let i = 0; i < 3; i += 1) t.equal((await logOut(stage, browser)).status, 303)
    t.equal(await stage.me(browser), null)
    t.equal(stage.calls('revoke'), 0)
  }
)

attack(
  'LO6',
  'a revocation that hangs or fails keeps nobody logged in',
  'RFC 7009 §2.2.1',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser)
    const saved = await cookieHeader(stage, browser)
    const held = hold(stage.sentinel, 'revoke')
    const leaving = logOut(stage, browser, { revoke: 'true' })
    await held.ready()
    t.equal(
      await whoIs(stage, stage.browser(), saved),
      null,
      'the login has ended while the revocation hangs'
    )
    t.same([stage.store.logins, stage.store.tokenSets], [[], []])
    held.release()
    t.equal((await leaving).status, 303)

    for (const fault of [
      { hang: true } as const,
      { status: 500 },
      { status: 400, body: '{"error":"invalid_client"}' },
      { cutOff: 'before-response' } as const
    ]) {
      await enter(stage, browser)
      stage.sentinel.next('revoke', fault)
      const began = Date.now()
      t.equal((await logOut(stage, browser, { revoke: 'true' })).status, 303)
      t.ok(
        Date.now() - began < SHORT_DEADLINE + LATE,
        `${JSON.stringify(fault)}: ${Date.now() - began} ms`
      )
      t.equal(await stage.me(browser), null)
      t.match(stage.events().at(-1), {
        event: 'logout',
        revoked: false,
        code: 'LE_AUTH_REVOCATION_FAILED'
      })
    }
  },
  { options: { httpTimeout: SHORT_DEADLINE } }
)

/** Store calls that fail, at any logout and at one that revokes. */
const PLAIN_FAULTS = [
  'get login',
  'destroy login',
  'destroy token set',
  'destroy activity',
  'destroy session'
]
const STORE_FAULTS = [...PLAIN_FAULTS, 'set revocation', 'get token set'].map(what => ({
  what,
  isPlain: PLAIN_FAULTS.includes(what),
  trouble: ({ operation, kind }: StoreCall) =>
    `${operation} ${kind}` === what ? ('error' as const) : undefined
}))

/** A page that puts data into the session, so that there is one to remove. */
const NOTED: AttackSetting = {
  after: app => {
    app.get('/note', async ({ session }) => {
      Object.assign(session, { note: 'x' })
      return 'noted'
    })
  }
}

attack(
  'LO6',
  'a logout that the store refused reports no success, and can be repeated',
  'OWASP Session Management Cheat Sheet',
  async (t, stage) => {
    for (const { what, isPlain, trouble } of STORE_FAULTS) {
      const browser = stage.browser()
      await enter(stage, browser)
      await browser.script(stage.url('/note'))
      const saved = await cookieHeader(stage, browser)
      stage.store.trouble = trouble
      const refused = await logOut(stage, browser, isPlain ? {} : { revoke: 'true' })
      t.equal(`${refused.status} ${errorCode(refused)}`, '503 LE_AUTH_STORE_UNAVAILABLE', what)
      stage.store.trouble = () => undefined
      t.equal((await logOut(stage, browser)).status, 303)
      t.equal(await stage.me(browser), null)
      t.equal(
        await whoIs(stage, stage.browser(), saved),
        null,
        `${what}: the earlier cookies are worthless then`
      )
      t.same([stage.store.logins, stage.store.tokenSets], [[], []])
    }
    t.notOk(
      stage.store.calls.every(({ kind }) => kind !== 'session'),
      'there were sessions to remove'
    )
  },
  NOTED
)

const reported: LogoutEvent[] = []
attack(
  'LO6',
  'a requested revocation is made or reported, even if the store refused the logout at first',
  'RFC 7009 §2',
  async (t, stage) => {
    for (const { what, trouble } of STORE_FAULTS) {
      const browser = stage.browser()
      await enter(stage, browser)
      await browser.script(stage.url('/note'))
      const before = stage.calls('revoke') + reported.length
      stage.store.trouble = trouble
      t.equal((await logOut(stage, browser, { revoke: 'true' })).status, 503)
      stage.store.trouble = () => undefined
      t.equal((await logOut(stage, browser, { revoke: 'true' })).status, 303)
      t.ok(stage.calls('revoke') + reported.length > before, what)
    }
  },
  {
    ...NOTED,
    options: {
      onLogout: event => {
        reported.push(event)
      }
    }
  }
)
