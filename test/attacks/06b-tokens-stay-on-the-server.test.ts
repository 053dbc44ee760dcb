import { inspect } from 'node:util'
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import type { Test } from 'tap'
import type { LeAuthError } from '../../lib/index.ts'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { SECRET, startApp, type TestApp } from '../support/app.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import { failsCleanly } from '../support/attack/callbacks.ts'
import type { PageResponse } from '../support/browser.ts'
import { isFreeOf } from '../support/checks.ts'
import { AGENT, logIn, pendingCallback } from '../support/login.ts'
import { startRedis } from '../support/redis.ts'
import { startServer } from '../support/servers.ts'
import { STORE_MESSAGE, STORE_PASSWORD } from '../support/stores.ts'

/** Collects the tokens that the identity service issues from now on. */
function collectTokens(stage: Stage): string[] {
  const tokens: string[] = []
  const collect = {
    change: (response: Record<string, unknown>) => {
      for (const name of ['access_token', 'refresh_token', 'id_token']) {
        if (typeof response[name] === 'string') tokens.push(response[name])
      }
      return response
    }
  }
  stage.sentinel.always('token', collect)
  stage.sentinel.always('refresh', collect)
  return tokens
}

/** The whole response, as it is and decoded. */
function readings({ headers, text }: PageResponse): string {
  const said = JSON.stringify(headers) + text
  const decoded =
    said
      .match(/[\w+/%=-]{16,}/g)
      ?.map(word =>
        Buffer.from(
          decodeURIComponent(word.replace(/%(?![\dA-F]{2})/gi, '%25')),
          'base64'
        ).toString('latin1')
      ) ?? []
  return [said, decodeURIComponent(said.replace(/%(?![\dA-F]{2})/gi, '%25')), ...decoded].join('\n')
}

attack(
  'TL7',
  'no token leaves the server, in any encoding',
  'CVE-2025-55008, CVE-2025-55009',
  async (t, stage) => {
    const tokens = collectTokens(stage)
    const browser = stage.browser()
    await logIn(stage, browser, AGENT, '/page/a')
    for (const path of ['/', '/me', '/renew', '/callback?code=A&state=x', '/login', '/none']) {
      await browser.step(stage.url(path))
      await browser.script(stage.url(path))
    }
    const session = [...stage.store.records.values()].join('\n')
    await browser.submit(stage.url('/logout'), { revoke: 'true' })

    t.ok(tokens.length > 4, 'tokens were issued')
    const responses = browser.history.filter(response => response.url.startsWith(stage.origin))
    t.ok(responses.some(response => response.setCookies.length > 0))
    // A part of a JWT is enough to recognize it.
    const marks = tokens.flatMap(token => [token, token.slice(0, 40), token.slice(-40)])
    for (const response of responses) {
      isFreeOf(t, readings(response), marks, `${response.status} ${response.url.slice(0, 60)}`)
    }
    isFreeOf(t, session, marks, 'the store has the tokens sealed')
  },
  {
    after: app => {
      app.get('/renew', { onRequest: app.requireAuth }, async request => {
        await request.leAuth!.refresh()
        return 'renewed'
      })
    }
  }
)

const DEEP = { depth: 8, showHidden: true, maxArrayLength: 200, maxStringLength: 5000 }
const failures: LeAuthError[] = []

attack(
  'TL8',
  'what a handler returns or prints contains no token and no secret',
  'CVE-2025-55008',
  async (t, stage) => {
    const tokens = collectTokens(stage)
    const browser = stage.browser()
    await logIn(stage, browser)
    const secrets = [...tokens, SECRET, EMULATOR_DEFAULTS.clientSecret]
    t.ok(tokens.length > 2)
    for (const path of [
      '/session',
      '/auth',
      '/auth-as-json',
      '/spread',
      '/printed-auth',
      '/printed-request',
      '/printed-app'
    ]) {
      const { status, text } = await browser.script(stage.url(path))
      t.equal(status, 200, path)
      t.ok(text.length > 100, path)
      isFreeOf(t, text, secrets, path)
    }
    const { accessToken } = (await browser.script(stage.url('/token'))).json()
    t.ok(tokens.includes(accessToken), 'only a handler that calls getAccessToken gets the token')

    stage.sentinel.next('token', {
      change: response => ({ ...response, id_token: `${response.id_token}.x` })
    })
    await stage.browser().step((await pendingCallback(stage, browser)).url)
    await browser.step((await pendingCallback(stage, browser)).url.replace(/code=[^&]*/, 'code=A'))
    t.ok(failures.length > 1)
    for (const error of failures) {
      isFreeOf(t, inspect(error, DEEP) + JSON.stringify(error), [...tokens, ...secrets], error.code)
    }
  },
  {
    // These show ids of records, which open nothing without a signature.
    mayShow: /^\/(session|auth-as-json|spread|printed)/,
    options: {
      onLoginError: ({ error }) => {
        failures.push(error)
      }
    },
    after: app => {
      app.get('/session', async request => request.session)
      app.get('/auth', async request => request.leAuth)
      app.get('/auth-as-json', async request =>
        JSON.stringify({ leAuth: request.leAuth, session: request.session })
      )
      app.get('/spread', async request => ({ ...request.leAuth, ...request.session }))
      app.get('/printed-auth', async request => inspect([request.leAuth, request.session], DEEP))
      app.get('/printed-request', async request => inspect(request, DEEP))
      app.get(
        '/printed-app',
        async request => inspect(request.server) + inspect(request.server, { ...DEEP, depth: 6 })
      )
    }
  }
)

const clientId = 'id:with%every+sign&a=b'
const clientSecret = 'secret:with%every+sign&a=b/c'

attack(
  'TL9',
  'the secret and the code go in the body, form-encoded, and never in a URL',
  'RFC 6749 §2.3.1, RFC 9700 §4.3',
  async (t, stage) => {
    Object.assign(stage.sentinel.accounts[0]!.applications[0]!, { clientId, clientSecret })
    const tokens = collectTokens(stage)
    const browser = stage.browser()
    await logIn(stage, browser)
    t.equal(await stage.me(browser), AGENT.id, 'every character of id and secret arrives')
    await browser.script(stage.url('/renew'))
    await browser.submit(stage.url('/logout'), { revoke: 'true' })

    for (const endpoint of ['token', 'refresh', 'revoke'] as const) {
      const calls = stage.sentinel.requests.filter(request => request.endpoint === endpoint)
      t.ok(calls.length > 0, endpoint)
      for (const { method, body, headers, query } of calls) {
        t.equal(method, 'POST')
        t.same(
          [body?.getAll('client_id'), body?.getAll('client_secret')],
          [[clientId], [clientSecret]],
          endpoint
        )
        t.equal(headers.authorization, undefined, `${endpoint}: not in two ways at once`)
        t.same([...query.keys()], ['v'], endpoint)
      }
    }
    const codes = stage.sentinel.requests.flatMap(({ body }) => [
      body?.get('code'),
      body?.get('code_verifier')
    ])
    for (const { endpoint, path, query, headers } of stage.sentinel.requests) {
      const { authorization, cookie, ...rest } = headers
      isFreeOf(
        t,
        `${path}?${query} ${decodeURIComponent(query.toString())} ${JSON.stringify(rest)}`,
        [clientSecret, SECRET, ...codes, ...tokens],
        endpoint
      )
    }
  },
  {
    options: { clientId, clientSecret },
    after: app => {
      app.get('/renew', { onRequest: app.requireAuth }, async request => {
        await request.leAuth!.refresh()
        return 'renewed'
      })
    }
  }
)

attack(
  'TL10',
  'the plugin does not follow a redirect from the token endpoint',
  'RFC 9700 §4.12, RFC 6749 §10.6',
  async (t, stage) => {
    const thief = await startServer(t, (_request, response) =>
      response.end(JSON.stringify({ access_token: 'x', token_type: 'Bearer' }))
    )
    const member = stage.browser()
    await logIn(stage, member)
    for (const status of [301, 302, 303, 307, 308]) {
      const redirect = { status, headers: { location: `${thief.url}/token` } }
      stage.sentinel.next('token', redirect)
      const browser = stage.browser()
      await failsCleanly(
        t,
        stage,
        browser,
        (await pendingCallback(stage, browser)).url,
        String(status)
      )
      stage.sentinel.next('refresh', redirect)
      t.equal((await member.script(stage.url('/renew'))).status, 503, `${status}: refresh`)
      t.equal(await stage.me(member), AGENT.id, `${status}: the user stays logged in`)
    }
    stage.sentinel.next('revoke', { status: 307, headers: { location: `${thief.url}/revoke` } })
    await member.submit(stage.url('/logout'), { revoke: 'true' })
    t.same(stage.events().at(-1), {
      event: 'logout',
      accountId: '12345678',
      userId: AGENT.id,
      revoked: false,
      code: 'LE_AUTH_REVOCATION_FAILED',
      reason: 'http_307'
    })
    t.same(thief.requests, [], 'the other server got no request')
  },
  {
    after: app => {
      app.get('/renew', { onRequest: app.requireAuth }, async request => {
        await request.leAuth!.refresh()
        return 'renewed'
      })
    }
  }
)

attack(
  'TL11',
  'the error of a store that fails does not reveal where the store is',
  'OWASP Logging',
  async (t, stage) => {
    stage.secrets.add(STORE_MESSAGE).add(STORE_PASSWORD).add('redis.internal')
    for (const trouble of ['error', 'throw'] as const) {
      const member = stage.browser()
      await logIn(stage, member)
      const visitor = stage.browser()
      const { url } = await pendingCallback(stage, visitor)
      stage.store.trouble = () => trouble
      t.equal((await visitor.step(url)).status, 503, `${trouble}: /callback`)
      await tellsNothing(t, stage, member, [STORE_PASSWORD, 'redis.internal', 'ECONNREFUSED'])
      stage.store.trouble = () => undefined
    }
  }
)

attack(
  'TL11',
  'the error of a Redis that has stopped reveals neither its host nor its password',
  'OWASP Logging',
  async (t, stage) => {
    await t.test('A Redis store that is down tells nothing about itself.', async t => {
      const redis = await startRedis(t)
      if (redis === null) return
      const password = 'password-of-this-redis'
      const operator = await redis.client()
      await operator.configSet('requirepass', password)
      const client = createClient({
        url: `redis://:${password}@127.0.0.1:${redis.port}`,
        disableOfflineQueue: true
      })
      client.on('error', () => {})
      await client.connect()
      t.teardown(() => {
        client.destroy()
      })
      const app = await startApp(t, {
        sentinel: stage.sentinel,
        options: { store: new RedisStore({ client }) }
      })
      const member = app.browser()
      await logIn(app, member)
      t.equal((await member.script(app.url('/me'))).json().id, AGENT.id)
      await redis.stop()
      await tellsNothing(t, app, member, [password, `127.0.0.1:${redis.port}`])
      isFreeOf(t, app.logLines.join(''), [password, `127.0.0.1:${redis.port}`], 'the log')
    })
  }
)

/** Asserts that each route says in a fixed text that the store cannot be reached. */
async function tellsNothing(
  t: Test,
  app: TestApp,
  member: ReturnType<TestApp['browser']>,
  secrets: string[]
): Promise<void> {
  for (const path of ['/login', '/callback?code=A&state=x', '/me', '/']) {
    const response = await member.script(app.url(path))
    t.equal(response.status, 503, path)
    t.same(
      response.json(),
      {
        statusCode: 503,
        code: 'LE_AUTH_STORE_UNAVAILABLE',
        error: 'Service Unavailable',
        message: 'This app cannot reach its session store at the moment. Try again in a minute.'
      },
      path
    )
    isFreeOf(t, JSON.stringify(response.headers), secrets, path)
  }
}
