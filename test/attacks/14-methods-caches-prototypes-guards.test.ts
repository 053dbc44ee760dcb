import { METHODS as KNOWN_TO_NODE } from 'node:http'
import { attack } from '../support/attack/attack.ts'
import { AGENT, logIn, pendingCallback } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'

attack(
  'HM1',
  'HEAD begins no login, finishes none and ends none',
  'RFC 9110 §9.3.2',
  async (t, stage) => {
    const browser = stage.browser()
    await logIn(stage, browser)
    const { url } = await pendingCallback(stage, browser)
    const records = [...stage.store.records]
    const exchanges = stage.exchanges()
    for (const [target, status] of [
      ['/login', 404],
      [url.slice(stage.origin.length), 405],
      ['/logout', 405]
    ] as const) {
      const response = await browser.step(stage.url(target), { method: 'HEAD' })
      t.equal(response.status, status, target.slice(0, 10))
      t.same(response.setCookies, [])
      t.equal(response.location, undefined)
    }
    t.same([...stage.store.records], records, 'nothing is stored')
    t.equal(stage.exchanges(), exchanges, 'nothing is exchanged')
    t.equal(await stage.me(browser), AGENT.id, 'the user is still logged in')
    t.equal((await browser.step(url)).status, 303, 'GET still works')
  }
)

attack(
  'HM2',
  'a prefetch or a link scanner logs nobody out and stores nothing',
  'Fetch Metadata',
  async (t, stage) => {
    const member = stage.browser()
    await logIn(stage, member)
    const records = [...stage.store.records]
    for (const headers of [
      { 'sec-purpose': 'prefetch' },
      { 'sec-purpose': 'prefetch;prerender' },
      { purpose: 'prefetch' },
      { 'x-moz': 'prefetch' }
    ] as Array<Record<string, string>>) {
      t.equal((await member.step(stage.url('/logout'), { headers })).status, 405)
      for (let i = 0; i < 10; i += 1) {
        t.equal(
          (await member.step(stage.url('/login'), { headers })).status,
          'x-moz' in headers ? 302 : 400
        )
      }
      t.equal(
        (await stage.browser().step(stage.url('/page/a'), { headers })).status,
        'x-moz' in headers ? 302 : 401,
        'a prefetch of a protected page begins no login'
      )
    }
    t.same([...stage.store.records], records)
    t.ok(
      (await member.cookieNames(stage.url('/'))).length <= 6,
      'the login and at most five pending logins'
    )
    t.equal(await stage.me(member), AGENT.id)
    t.equal(
      (await member.step((await pendingCallback(stage, member)).url)).status,
      303,
      'a login still works'
    )
  }
)

const METHODS = [
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
  'M-SEARCH',
  'BREW'
]
const OVERRIDES = [
  'X-HTTP-Method-Override',
  'X-HTTP-Method',
  'X-Method-Override',
  'X-Original-Method'
]
const TYPES = [
  'application/x-www-form-urlencoded',
  'text/plain',
  'application/json',
  'multipart/form-data; boundary=x',
  'text/plain; application/json',
  'application/json;charset=utf-8',
  'x',
  'application/x-www-form-urlencoded, text/plain'
]

attack(
  'HM3',
  'no other method and no override does what GET and POST do',
  'CVE-2022-41919, RFC 9110 §9.1',
  async (t, stage) => {
    const browser = stage.browser()
    await logIn(stage, browser)
    const pending = await pendingCallback(stage, browser)
    const callback = pending.url.slice(stage.origin.length)
    const exchanges = stage.exchanges()
    const refused = async (
      target: string,
      method: string,
      headers: Record<string, string> = {},
      body = '',
      statuses = [404, 405]
    ): Promise<void> => {
      const { status } = await rawRequest(stage, target, { method, browser, headers, body })
      t.ok(
        statuses.includes(status),
        `${method} ${target.slice(0, 10)} ${JSON.stringify(headers)}: ${status}`
      )
    }
    for (const method of METHODS) {
      // A method that Node knows and Fastify does not gets Fastify's
      // own 404, which repeats the URL.
      const target = stage.app.supportedMethods.includes(method) ? callback : '/callback'
      // Node refuses a method that it does not know; older versions do not know QUERY.
      // Fastify requires a content type for QUERY.
      const statuses = KNOWN_TO_NODE.includes(method) ? [404, 405] : [400]
      const headers: Record<string, string> =
        method === 'QUERY' ? { 'Content-Type': 'text/plain' } : {}
      await refused(target, method, headers, '', statuses)
      // POST /login ends a session at LivePerson, and needs a page of the app's own.
      await refused('/login', method, headers, '', method === 'POST' ? [403] : statuses)
      if (method !== 'POST') await refused('/logout', method, headers, '', statuses)
    }
    for (const override of OVERRIDES) {
      for (const method of ['GET', 'POST', 'HEAD']) {
        await refused('/logout', 'GET', { [override]: method })
      }
      await refused('/logout?_method=POST', 'GET', { [override]: 'POST' })
      await refused(callback, 'POST', { [override]: 'GET' })
      await refused(
        `${callback}&_method=GET`,
        'POST',
        { [override]: 'GET', 'Content-Type': 'application/x-www-form-urlencoded' },
        '_method=GET'
      )
      await refused('/login?_method=GET', 'POST', { [override]: 'GET' }, '', [403])
    }
    for (const type of TYPES) {
      for (const headers of [
        { Origin: 'https://evil.example' },
        { 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site', Origin: 'http://evil.localhost:3000' },
        { Origin: 'null' },
        {}
      ] as Array<Record<string, string>>) {
        await refused(
          '/logout',
          'POST',
          { ...headers, 'Content-Type': type },
          'revoke=true',
          [400, 403, 415]
        )
        await refused(
          callback,
          'POST',
          { ...headers, 'Content-Type': type },
          new URL(pending.url).search.slice(1)
        )
      }
    }
    t.equal(stage.exchanges(), exchanges, 'nothing is exchanged')
    t.equal(stage.calls('revoke'), 0, 'nothing is revoked')
    t.equal(await stage.me(browser), AGENT.id, 'the user is still logged in')
    t.equal((await browser.step(pending.url)).status, 303, 'the state is not used')
  }
)

const ROUTERS: Array<[what: string, options: object]> = [
  ['as they are', {}],
  ['ignoreTrailingSlash', { ignoreTrailingSlash: true }],
  ['caseSensitive: false', { caseSensitive: false }],
  ['ignoreDuplicateSlashes', { ignoreDuplicateSlashes: true }],
  ['useSemicolonDelimiter', { useSemicolonDelimiter: true }],
  [
    'all of them',
    {
      ignoreTrailingSlash: true,
      caseSensitive: false,
      ignoreDuplicateSlashes: true,
      useSemicolonDelimiter: true
    }
  ]
]
/** The other ways to write a path. */
const spellings = (path: string): string[] => [
  `${path}/`,
  `${path}//`,
  path.toUpperCase(),
  `${path};a`,
  `${path};a=b`,
  `/%${path.charCodeAt(1).toString(16)}${path.slice(2)}`,
  `/${path}`,
  `//${path}`,
  `/.${path}`,
  `/x/..${path}`,
  `/%2e${path}`,
  `/x/%2e%2e${path}`,
  `${path}/.`,
  `${path}%2f`,
  `${path}%00`,
  `${path}%20`,
  `${path}%`,
  `/%2f${path.slice(1)}`,
  `/\\${path.slice(1)}`,
  `http://localhost:3000${path}`,
  `${path}#x`
]

for (const [what, routerOptions] of ROUTERS) {
  attack(
    'HM4',
    `a route under another spelling is the same route or no route, routerOptions ${what}`,
    'CVE-2026-2880, RFC 3986 §6.2',
    async (t, stage) => {
      let sameHandler = 0
      for (const target of spellings('/callback')) {
        const browser = stage.browser()
        const { url, code, state } = await pendingCallback(stage, browser)
        const exchanges = stage.exchanges()
        const visitor = await rawRequest(stage, `${target}?code=${code}&state=${state}`)
        t.ok(
          visitor.status >= 400 && visitor.status < 500,
          `${target}, a visitor: ${visitor.status}`
        )
        t.equal(stage.exchanges(), exchanges)
        const { status, text } = await rawRequest(stage, `${target}?code=${code}&state=${state}`, {
          browser
        })
        if (status === 303) {
          sameHandler += 1
          t.match(text, /\r\nlocation: \/\r\n/i, `${target}: the same handler`)
          t.equal((await browser.step(url)).status, 400, 'the handler used the state')
          t.equal(stage.exchanges(), exchanges + 1)
        } else {
          t.ok(status >= 400 && status < 500, `${target}: ${status}`)
          t.equal(stage.exchanges(), exchanges)
          t.equal((await browser.step(url)).status, 303, `${target}: the state is not used`)
        }
      }
      t.ok(sameHandler > 0, 'some spellings are the same route')

      const member = stage.browser()
      await logIn(stage, member)
      for (const target of spellings('/logout')) {
        const { status } = await rawRequest(stage, target, {
          method: 'POST',
          browser: member,
          headers: { 'Sec-Fetch-Site': 'cross-site' }
        })
        t.ok([400, 403, 404].includes(status), `${target} from another site: ${status}`)
      }
      t.equal(await stage.me(member), AGENT.id)
      for (const target of spellings('/login')) {
        const { status, text } = await rawRequest(stage, target)
        t.ok([302, 400, 404].includes(status), `${target}: ${status}`)
        if (status === 302) {
          t.ok(
            text.includes(`redirect_uri=${encodeURIComponent(stage.redirectUri)}`),
            `${target}: the same handler`
          )
        }
      }
      // Fastify's own 404 repeats the requested URL; the identity service redirects nobody there.
    },
    { mayShow: /^(?!\/callback\?)/, fastify: { routerOptions, disableRequestLogging: true } }
  )
}
