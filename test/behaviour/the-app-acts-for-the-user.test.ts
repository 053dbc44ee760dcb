import { inspect } from 'node:util'
import type { FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import type { Authentication } from '../../lib/index.ts'
import { type Setting, startApp, type TestApp } from '../support/app.ts'
import type { Browser } from '../support/browser.ts'
import { isAnonymous, isFreeOf } from '../support/checks.ts'
import { SHORT_DEADLINE } from '../support/clock.ts'
import { AGENT, logIn } from '../support/login.ts'
import { freePort, startServer } from '../support/servers.ts'

const USERS = '/api/account/{accountId}/configuration/le-users/users'

interface Acting {
  app: TestApp
  browser: Browser
  /** Runs in a route behind requireAuth, and returns the route's response. */
  act: <Result>(
    what: (leAuth: Authentication, request: FastifyRequest) => Promise<Result> | Result
  ) => Promise<{ status: number; result: Result & any }>
  /** The tokens of the user who is logged in. */
  tokens: { access_token: string; refresh_token: string; id_token: string }
}

async function acting(t: Test, setting: Setting = {}): Promise<Acting> {
  let action: (leAuth: Authentication, request: FastifyRequest) => unknown = () => null
  const app = await startApp(t, {
    ...setting,
    after: app => {
      app.get('/act', { onRequest: app.requireAuth }, async request => ({
        result: (await action(request.leAuth!, request)) ?? null
      }))
    }
  })
  const browser = app.browser()
  const tokens = {} as Acting['tokens']
  app.sentinel.next('token', { change: response => Object.assign(tokens, response) })
  await logIn(app, browser)
  return {
    app,
    browser,
    tokens,
    async act(what) {
      action = what
      const response = await browser.script(app.url('/act'))
      return {
        status: response.status,
        result: response.status === 200 ? response.json().result : response.json()
      }
    }
  }
}

/** Makes the Domain API name another local server for every service. */
function moveTo(app: TestApp, host: string): void {
  app.sentinel.always('domain', { change: response => ({ ...response, baseURI: host }) })
}

const tell = async (response: {
  status: number
  text: () => Promise<string>
}): Promise<unknown> => ({ status: response.status, text: await response.text() })

t.test(
  'fetch calls a service as the user: at the host that the Domain API names, with ' +
    '{accountId} filled in and a Bearer token.',
  async t => {
    const { app, act, tokens } = await acting(t)
    const { result } = await act(async leAuth =>
      (await leAuth.fetch('accountConfigReadOnly', USERS)).json()
    )
    t.equal(result.find((user: any) => user.id === AGENT.id).fullName, 'Maya Osei')
    const { path, headers, method } = app.sentinel.requests.find(
      request => request.endpoint === 'users'
    )!
    t.equal(method, 'GET')
    t.equal(path, '/api/account/12345678/configuration/le-users/users')
    t.equal(headers.authorization, `Bearer ${tokens.access_token}`)
    t.equal(headers.cookie, undefined)
    t.equal(
      app.sentinel.requests.filter(request => request.endpoint === 'domain').at(-1)!.path,
      '/api/account/12345678/service/accountConfigReadOnly/baseURI.json'
    )
  }
)

t.test(
  'fetch sends the method, headers and body that the app sets, except for the token.',
  async t => {
    const { app, act, tokens } = await acting(t)
    const service = await startServer(t, (_request, response) =>
      response.writeHead(201, { 'x-of-service': 'yes' }).end('made')
    )
    moveTo(app, service.host)
    const { result } = await act(async leAuth => {
      const response = await leAuth.fetch(
        'accountConfigReadWrite',
        '/api/account/{accountId}/x/{accountId}?select=$all&x=%2F',
        {
          method: 'PUT',
          headers: {
            'content-type': 'application/json',
            'if-match': '7',
            authorization: 'Bearer of-the-app'
          },
          body: JSON.stringify({ name: 'Ann' })
        }
      )
      return {
        status: response.status,
        header: response.headers.get('x-of-service'),
        text: await response.text()
      }
    })
    t.same(result, { status: 201, header: 'yes', text: 'made' })
    const [{ method, url, headers, body }] = service.requests as [any]
    t.equal(`${method} ${url}`, 'PUT /api/account/12345678/x/12345678?select=$all&x=%2F')
    t.equal(headers['content-type'], 'application/json')
    t.equal(headers['if-match'], '7')
    t.equal(headers.authorization, `Bearer ${tokens.access_token}`)
    t.equal(body, '{"name":"Ann"}')
  }
)

t.test('fetch accepts only a path.', async t => {
  const { app, act } = await acting(t)
  const evil = await startServer(t, (_request, response) => response.end('got it'))
  const paths = [
    `http://${evil.host}/x`,
    `https://${evil.host}/x`,
    `//${evil.host}/x`,
    `/\\${evil.host}/x`,
    `\\\\${evil.host}/x`,
    `/\t/${evil.host}/x`,
    `/\n\\${evil.host}/x`,
    ` //${evil.host}/x`,
    'https:/x',
    'https:x',
    `@${evil.host}/x`,
    `:1@${evil.host}/x`,
    `.${evil.host}/x`,
    'x',
    '',
    '?x',
    '{accountId}',
    'http://[',
    undefined as never,
    new URL(`http://${evil.host}/x`) as never
  ]
  for (const path of paths) {
    const { status, result } = await act(leAuth =>
      leAuth.fetch('accountConfigReadOnly', path).then(tell)
    )
    t.equal(status, 500)
    t.match(
      result.message,
      /^fetch takes (the name of a service and )?a path/,
      JSON.stringify(path)
    )
    t.notMatch(JSON.stringify(result), evil.host)
  }
  t.same(evil.requests, [])
  t.equal(app.calls('users'), 0)
})

t.test('fetch refuses a redirect to another origin, and sends no token there.', async t => {
  const { app, act } = await acting(t)
  const evil = await startServer(t, (_request, response) => response.end('got it'))
  const port = evil.host.split(':')[1]
  for (const location of [
    `${evil.url}/x`,
    `//${evil.host}/x`,
    `http://localhost:${port}/x`,
    `https://${app.sentinel.host}/x`,
    `http://user@${evil.host}/`,
    '\\\\evil.example\\x',
    'http://[',
    'file:///etc/passwd',
    `http://user:password@${app.sentinel.host}/x`
  ]) {
    app.sentinel.next('users', { status: 302, headers: { location } })
    const { status, result } = await act(leAuth =>
      leAuth.fetch('accountConfigReadOnly', USERS).then(tell)
    )
    t.equal(`${status} ${result.code}`, '502 LE_AUTH_SERVICE_REDIRECTED', location)
    t.notMatch(JSON.stringify(result), 'password')
  }
  t.same(evil.requests, [])
})

t.test('fetch follows the redirect of a read on the same origin, with the token.', async t => {
  const { app, act, tokens } = await acting(t)
  for (const status of [301, 302, 303, 307, 308]) {
    app.sentinel.next('users', {
      status,
      headers: { location: '/api/account/12345678/configuration/le-agents/status-reasons' }
    })
    const { result } = await act(async leAuth =>
      (await leAuth.fetch('accountConfigReadOnly', USERS)).json()
    )
    t.equal(result[0]?.text, 'Lunch', String(status))
    t.equal(app.sentinel.requests.at(-1)!.headers.authorization, `Bearer ${tokens.access_token}`)
  }
})

t.test('fetch refuses the redirect of anything but a read.', async t => {
  const { app, act } = await acting(t)
  const service = await startServer(t, (_request, response) =>
    response.writeHead(307, { location: '/again' }).end()
  )
  moveTo(app, service.host)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'post']) {
    const before = service.requests.length
    const { status, result } = await act(leAuth =>
      leAuth
        .fetch('msgHist', '/x', { method, ...(method !== 'DELETE' && { body: 'x' }) })
        .then(tell)
    )
    t.equal(`${status} ${result.code}`, '502 LE_AUTH_SERVICE_REDIRECTED', method)
    t.equal(service.requests.length - before, 1, `${method} once`)
  }
})

t.test('fetch gives up on an endless redirect.', async t => {
  const { app, act } = await acting(t)
  app.sentinel.always('users', {
    status: 302,
    headers: { location: '/api/account/12345678/configuration/le-users/users' }
  })
  const { status, result } = await act(leAuth =>
    leAuth.fetch('accountConfigReadOnly', USERS).then(tell)
  )
  t.equal(`${status} ${result.code}`, '502 LE_AUTH_SERVICE_REDIRECTED')
  t.ok(app.calls('users') <= 10, 'after a few requests')
})

t.test('fetch returns the response of the service, whatever its status.', async t => {
  const { app, act } = await acting(t)
  for (const status of [204, 304, 400, 401, 403, 404, 429, 500, 503]) {
    app.sentinel.next('users', {
      status,
      ...(status !== 204 && status !== 304 && { body: 'of the service' })
    })
    const { result } = await act(leAuth => leAuth.fetch('accountConfigReadOnly', USERS).then(tell))
    t.equal(result.status, status)
    if (![204, 304].includes(status)) t.equal(result.text, 'of the service')
  }
  app.sentinel.expireAccessTokens()
  t.equal(
    (await act(leAuth => leAuth.fetch('accountConfigReadOnly', USERS).then(tell))).result.status,
    401,
    'a token that Sentinel no longer knows'
  )
  t.equal(app.calls('refresh'), 0)
})

t.test('A service that is down is reported as unavailable, without its address.', async t => {
  const { app, act, browser } = await acting(t, { options: { httpTimeout: SHORT_DEADLINE } })
  const port = await freePort()
  app.sentinel.next('users', { cutOff: 'unprocessed' })
  app.sentinel.next('users', { hang: true })
  for (const what of ['it breaks off', 'it is silent']) {
    const { status, result } = await act(leAuth =>
      leAuth.fetch('accountConfigReadOnly', USERS).then(tell)
    )
    t.equal(`${status} ${result.code}`, '503 LE_AUTH_SERVICE_UNAVAILABLE', what)
  }
  moveTo(app, `127.0.0.1:${port}`)
  const { status, result } = await act(leAuth => leAuth.fetch('msgHist', '/x').then(tell))
  t.equal(`${status} ${result.code}`, '503 LE_AUTH_SERVICE_UNAVAILABLE', 'nothing listens')
  isFreeOf(t, JSON.stringify(result), [String(port)], 'no address')
  t.equal(
    (await browser.script(app.url('/me'))).status,
    200,
    'the outage does not log the user out'
  )
})

t.test('If the app aborts a call, fetch rejects with the app’s own abort error.', async t => {
  const { app, act } = await acting(t)
  app.sentinel.always('users', { hang: true })
  const aborted = (abort: (controller: AbortController) => AbortSignal) =>
    act(async leAuth => {
      const controller = new AbortController()
      const signal = abort(controller)
      try {
        return await leAuth.fetch('accountConfigReadOnly', USERS, { signal })
      } catch (error: any) {
        return {
          name: error?.name,
          code: String(error?.code),
          message: String(error?.message),
          isReason: error === signal.reason
        }
      }
    })
  const later = (controller: AbortController, reason?: unknown): AbortSignal => {
    setTimeout(() => controller.abort(reason), 50)
    return controller.signal
  }
  t.match((await aborted(controller => later(controller))).result, { name: 'AbortError' })
  t.match(
    (
      await aborted(controller => {
        controller.abort()
        return controller.signal
      })
    ).result,
    { name: 'AbortError' },
    'aborted before the call begins'
  )
  t.match((await aborted(() => AbortSignal.timeout(50))).result, { name: 'TimeoutError' })
  t.match(
    (await aborted(controller => later(controller, new RangeError('enough')))).result,
    { name: 'RangeError', message: 'enough' },
    'a reason of the app'
  )
})

t.test('A mistake in init is reported as the app’s mistake, not as an outage.', async t => {
  const { act } = await acting(t)
  for (const init of [{ body: 'x' }, { method: 'GE T' }, { headers: { 'bad name': 'x' } }]) {
    const { result } = await act(leAuth =>
      leAuth
        .fetch('accountConfigReadOnly', USERS, init)
        .then(tell, error => ({ name: error.name, code: error.code }))
    )
    t.equal(result.name, 'TypeError', JSON.stringify(init))
  }
})

t.test('getAccessToken returns the token, and expiresAt when it expires.', async t => {
  const { act, tokens } = await acting(t)
  const { result } = await act(async leAuth => ({
    token: await leAuth.getAccessToken(),
    expiresAt: leAuth.expiresAt,
    loggedInAt: leAuth.loggedInAt
  }))
  t.equal(result.token, tokens.access_token)
  t.ok(Math.abs(new Date(result.expiresAt).getTime() - Date.now() - 3_600_000) < 30_000)
  t.ok(Math.abs(new Date(result.loggedInAt).getTime() - Date.now()) < 30_000)
})

t.test('The text forms of request.leAuth and request.session show no token.', async t => {
  const { app, act, tokens } = await acting(t)
  const { result } = await act((leAuth, request) => ({
    texts: [leAuth, request.session, { ...leAuth }, { ...request.session }].flatMap(value => [
      JSON.stringify(value),
      inspect(value, { depth: 6, showHidden: true }),
      String(value)
    ]),
    keys: Object.keys(leAuth)
  }))
  isFreeOf(
    t,
    result.texts.join('\n'),
    [
      tokens.access_token,
      tokens.refresh_token,
      tokens.id_token,
      app.sentinel.accounts[0]!.applications[0]!.clientSecret
    ],
    'no token'
  )
  t.same(result.keys, ['user', 'accountId'])
  t.match(JSON.parse(result.texts[0]), { user: { id: AGENT.id }, accountId: '12345678' })
})

t.test('A request that has logged the user out can no longer act for the user.', async t => {
  const { app, act, browser } = await acting(t)
  const { result } = await act(async (leAuth, request) => {
    const outcome = await leAuth.logout()
    const tries = {
      getAccessToken: () => leAuth.getAccessToken(),
      fetch: () => leAuth.fetch('accountConfigReadOnly', USERS),
      logout: () => leAuth.logout(),
      revoke: () => leAuth.logout({ revoke: true })
    }
    const codes: Record<string, unknown> = {}
    for (const [name, attempt] of Object.entries(tries)) {
      codes[name] = await attempt().then(
        () => 'worked',
        error => error.code
      )
    }
    return { outcome, codes, leAuth: request.leAuth, expiresAt: leAuth.expiresAt }
  })
  t.same(result, {
    outcome: { revoked: null },
    codes: {
      getAccessToken: 'LE_AUTH_LOGIN_REQUIRED',
      fetch: 'LE_AUTH_LOGIN_REQUIRED',
      logout: 'LE_AUTH_LOGIN_REQUIRED',
      revoke: 'LE_AUTH_LOGIN_REQUIRED'
    },
    leAuth: null,
    expiresAt: null
  })
  t.same([app.calls('users'), app.calls('revoke')], [0, 0])
  await isAnonymous(t, app, browser)
})
