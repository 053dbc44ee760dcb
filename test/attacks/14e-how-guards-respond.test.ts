import { startApp } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import { userIn } from '../support/checks.ts'
import { AGENT, logIn, pendingCallback } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'

const body = { type: 'object', required: ['salary'], properties: { salary: { type: 'number' } } }
const BODIES: Array<[what: string, type: string, text: string]> = [
  ['no JSON', 'application/json', '{'],
  ['the wrong properties', 'application/json', '{"name":"x"}'],
  ['1 MB and more', 'application/json', `{"name":"${'x'.repeat(1_100_000)}"}`],
  ['a prototype', 'application/json', '{"__proto__":{"x":1}}'],
  ['an unknown type', 'application/x-unknown', 'x'],
  ['a good one', 'application/json', '{"salary":1}']
]
let parsed = 0
let handled = 0

attack(
  'PB4',
  'the guard refuses before a body is read as onRequest, and before the ' +
    'handler runs as preHandler',
  'OWASP API8, README “Protecting routes”',
  async (t, stage) => {
    for (const [what, type, text] of BODIES) {
      const request = { method: 'POST', body: text, headers: { 'Content-Type': type } }
      const first = await rawRequest(stage, '/first', request)
      t.equal(first.status, 401, what)
      t.notMatch(first.text, 'salary', `${what}: no field is named`)
      const later = await rawRequest(stage, '/later', request)
      t.equal(
        later.status,
        { 'a good one': 401, '1 MB and more': 413, 'an unknown type': 415 }[what] ?? 400,
        `${what}, after the body`
      )
    }
    t.equal(parsed, 1, 'only the good body of the later guard was parsed')
    t.equal(handled, 0, 'no handler ran')
  },
  {
    after: app => {
      const noted = async (): Promise<void> => {
        parsed += 1
      }
      app.post(
        '/first',
        { onRequest: app.requireAuth, preValidation: noted, schema: { body } },
        async () => {
          handled += 1
          return 'changed'
        }
      )
      app.post('/later', { preHandler: [noted, app.requireAuth], schema: { body } }, async () => {
        handled += 1
        return 'changed'
      })
    }
  }
)

const JSON_ONLY = { Accept: 'application/json' }
const PAGE = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }
const OTHER_REQUESTS: Array<[what: string, method: string, headers: Record<string, string>]> = [
  ['a program', 'GET', JSON_ONLY],
  ['a script', 'GET', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: 'text/html' }],
  ['a script that says so', 'GET', { 'X-Requested-With': 'XMLHttpRequest', Accept: '*/*' }],
  ['a script that may not read it', 'GET', { 'Sec-Fetch-Mode': 'no-cors', Accept: 'text/html' }],
  ['an image', 'GET', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }],
  ['a frame', 'GET', { ...PAGE, 'Sec-Fetch-Dest': 'iframe' }],
  ['an object', 'GET', { ...PAGE, 'Sec-Fetch-Dest': 'object' }],
  ['a worker', 'GET', { 'Sec-Fetch-Mode': 'same-origin', 'Sec-Fetch-Dest': 'worker' }],
  ['a stream of events', 'GET', { Accept: 'text/event-stream' }],
  ['a web socket', 'GET', { 'Sec-Fetch-Mode': 'websocket', Upgrade: 'websocket' }],
  ['a form', 'POST', PAGE],
  [
    'a form of another site',
    'POST',
    { ...PAGE, 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }
  ],
  ['HEAD', 'HEAD', PAGE],
  ['PUT', 'PUT', PAGE],
  ['DELETE', 'DELETE', PAGE]
]

attack(
  'PB5',
  'only a browser that opens a page is redirected to the login, and no login ' +
    'returns to a form',
  'RFC 9110 §15.5.2, Fetch Metadata',
  async (t, stage) => {
    for (const [what, method, headers] of OTHER_REQUESTS) {
      const { status, text } = await rawRequest(stage, '/all?salary=1', { method, headers })
      t.equal(status, 401, what)
      t.notMatch(text, /\r\nlocation:/i, `${what}: no redirect`)
      t.notMatch(
        text,
        /returnTo|salary|set-cookie/i,
        `${what}: the response repeats nothing of the request`
      )
      if (method === 'POST') t.match(text, /href="\/login">Log in</, `${what}: a page`)
      else if (method !== 'HEAD') {
        t.match(text, /"code":"LE_AUTH_LOGIN_REQUIRED".*"loginUrl":"\/login"/, what)
      }
    }
    const { status, text } = await rawRequest(stage, '/all?a=1', { headers: PAGE })
    t.equal(status, 302)
    t.match(text, /\r\nlocation: \/login\?returnTo=%2Fall%3Fa%3D1\r\n/i)
    t.equal(
      stage.calls('domain') + stage.calls('authorize') + stage.exchanges(),
      0,
      'no login was begun'
    )
  },
  {
    after: app => {
      app.route({
        method: ['GET', 'POST', 'PUT', 'DELETE'],
        url: '/all',
        onRequest: app.requireAuth,
        handler: async () => 'inside'
      })
    }
  }
)

attack(
  'PB6',
  'an incomplete login logs nobody in',
  'CVE-2023-48309',
  async (t, stage) => {
    const nobody = async (
      browser: ReturnType<typeof stage.browser>,
      what: string
    ): Promise<void> => {
      t.equal(await stage.me(browser), null, what)
      t.equal((await browser.step(stage.url('/page/a'))).status, 302, what)
      t.equal((await browser.script(stage.url('/admin'))).status, 401, what)
      t.equal((await browser.step(stage.url('/'))).text, 'hello stranger', what)
    }
    const begun = stage.browser()
    await stage.login(begun)
    await nobody(begun, 'only begun')
    const pending = await pendingCallback(stage, begun)
    await nobody(begun, 'signed in at LivePerson, but not back at the app')

    for (const fault of [
      { status: 400, body: '{"error":"invalid_grant"}' },
      { status: 500 },
      { cutOff: 'before-response' as const },
      { change: (response: any) => ({ ...response, id_token: undefined }) }
    ]) {
      const failed = stage.browser()
      stage.sentinel.next('token', fault)
      t.ok((await failed.step((await pendingCallback(stage, failed)).url)).status >= 400)
      await nobody(failed, `an exchange that failed: ${JSON.stringify(fault)}`)
    }

    const filled = stage.browser()
    await filled.script(stage.url('/fill'))
    await nobody(filled, 'a session without a login, whatever keys the app writes')

    const lost = stage.browser()
    const before = new Set(stage.store.tokenSets)
    await logIn(stage, lost)
    for (const id of stage.store.tokenSets) if (!before.has(id)) stage.store.records.delete(id)
    const anotherProcess = await startApp(t, {
      sentinel: stage.sentinel,
      options: { store: stage.store }
    })
    const there = await lost.copy({ [stage.origin]: anotherProcess.server })
    t.equal(
      userIn(await there.script(stage.url('/me'))),
      null,
      'a login without its tokens, in a process that has not seen them'
    )

    const names = (await begun.jar.getCookies(stage.url('/'))).find(cookie =>
      cookie.key.startsWith('le-auth.login.')
    )!
    const renamed = stage.browser()
    const session = (await filled.jar.getCookies(stage.url('/'))).find(
      cookie => cookie.key === 'le-auth.session'
    )!
    for (const [what, value] of [
      ['the cookie of a pending login', names.value],
      ['its state', pending.state],
      ['a visitor’s session', session.value]
    ] as const) {
      await renamed.jar.setCookie(`le-auth=${value}; Path=/`, stage.url('/'))
      await nobody(renamed, `${what} as a login`)
    }

    t.equal((await begun.step(pending.url)).status, 303)
    t.equal(await stage.me(begun), AGENT.id, 'the complete login logs the user in')
  },
  {
    after: app => {
      app.get('/fill', async request => {
        Object.assign(request.session, {
          user: AGENT,
          userId: AGENT.id,
          loggedIn: true,
          accountId: '12345678'
        })
        return 'filled'
      })
    }
  }
)
