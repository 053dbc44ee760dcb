import t, { type Test } from 'tap'
import type { Authentication } from '../../lib/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { AGENT, logIn } from '../support/login.ts'

const USERS = '/api/account/{accountId}/configuration/le-users/users'

type Act = (leAuth: Authentication) => Promise<unknown>

/** An app with a user, and what a route of the app throws when it acts for the user. */
async function acting(t: Test): Promise<{ app: TestApp; act: (what: Act) => Promise<any> }> {
  let action: Act
  const app = await startApp(t, {
    after: app => {
      app.get('/act', { onRequest: app.requireAuth }, async request => {
        try {
          return { result: (await action(request.leAuth!)) ?? null }
        } catch (error) {
          const { name, message, code, reason, hint } = error as Error & Record<string, unknown>
          return { name, message, code, reason, hint }
        }
      })
    }
  })
  const browser = app.browser()
  await logIn(app, browser, AGENT)
  return {
    app,
    async act(what) {
      action = what
      return (await browser.script(app.url('/act'))).json()
    }
  }
}

t.test('fetch without a service or a path says what it takes.', async t => {
  const { app, act } = await acting(t)
  const before = app.sentinel.requests.length
  const wrong: unknown[][] = [
    [],
    [USERS],
    ['accountConfigReadOnly'],
    ['accountConfigReadOnly', { method: 'POST' }],
    ['accountConfigReadOnly', new URL('https://va.ac.liveperson.net/x')],
    ['accountConfigReadOnly', null],
    ['', USERS],
    [undefined, USERS],
    [{}, USERS]
  ]
  for (const parameters of wrong) {
    const { name, message } = await act(leAuth => (leAuth.fetch as any)(...parameters))
    t.equal(name, 'TypeError', JSON.stringify(parameters))
    t.match(
      message,
      /^fetch takes the name of a service and a path, such as fetch\('accountConfigReadOnly', '\//
    )
  }
  t.equal(app.sentinel.requests.length, before, 'nothing was sent')
})

t.test('A misspelt {accountId} is named, and no call is made.', async t => {
  const { app, act } = await acting(t)
  const before = app.sentinel.requests.length
  for (const [placeholder, path] of [
    ['{accountid}', '/api/account/{accountid}/x'],
    ['{account_id}', '/api/account/{account_id}/x'],
    ['{account-id}', '/api/account/{account-id}/x'],
    ['{ accountId }', '/api/account/{ accountId }/x'],
    ['{}', '/api/account/{}/x'],
    ['{userId}', '/api/account/{accountId}/users/{userId}'],
    ['{ACCOUNTID}', '/api/x?account={ACCOUNTID}'],
    // A template literal in quotes instead of backticks.
    ['$' + '{accountId}', '/api/account/$' + '{accountId}/x'],
    ['$' + '{user.id}', '/api/account/{accountId}/users/$' + '{user.id}']
  ] as const) {
    const { name, message } = await act(leAuth => leAuth.fetch('accountConfigReadOnly', path))
    t.equal(name, 'TypeError', path)
    t.ok(message.startsWith(`fetch: ${placeholder} in a path is not filled in. `), message)
  }
  t.equal(app.sentinel.requests.length, before, 'nothing was sent')
})

t.test('Braces that are no placeholder are passed on.', async t => {
  const { app, act } = await acting(t)
  await act(leAuth => leAuth.fetch('accountConfigReadOnly', `${USERS}?filter={"a":{"b":[1]}}`))
  const { endpoint, query } = app.sentinel.requests.at(-1)!
  t.equal(endpoint, 'users')
  t.equal(query.get('filter'), '{"a":{"b":[1]}}')
})

t.test('An odd path never leaves the service, and never throws an error of its own.', async t => {
  const { app, act } = await acting(t)
  for (const path of [
    '/%',
    '/%zz',
    '/\0',
    '/a b',
    '/é\u202e',
    '/\ud800',
    '/x#y',
    '/?',
    '/..//x',
    '/./\t',
    `/${'x'.repeat(3000)}`
  ]) {
    const { name, message } = await act(async leAuth => {
      return (await leAuth.fetch('accountConfigReadOnly', path)).status
    })
    t.equal(name, undefined, `${path.slice(0, 20)}: ${message}`)
  }
  for (const path of ['/\t/[', '/\n/:x', '/\t/%', '/\r\\xn--k.com']) {
    const { name, message } = await act(leAuth => leAuth.fetch('accountConfigReadOnly', path))
    t.match([name, message], ['TypeError', /^fetch takes a path that begins with one slash/])
  }
  t.equal(app.calls('users'), 0)
})

t.test('The error of an unknown service names the service and the account.', async t => {
  const { app, act } = await acting(t)
  const hint =
    /^The Domain API named no host for the service "accountconfigreadonly" of the account 12345678.* upper and lower case matter\.$/
  const call: Act = leAuth => leAuth.fetch('accountconfigreadonly', USERS)
  app.sentinel.next('domain', { status: 200, body: '{"baseURIs":[]}' })
  t.match(await act(call), { code: 'LE_AUTH_DOMAIN_API_INVALID', reason: 'service_missing', hint })
  const other: Act = leAuth => leAuth.fetch('msghist', USERS)
  t.match(await act(other), {
    code: 'LE_AUTH_DOMAIN_API_INVALID',
    reason: 'http_400',
    hint: /the service "msghist"/
  })
})
