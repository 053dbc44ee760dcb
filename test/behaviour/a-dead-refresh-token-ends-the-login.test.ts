import type { FastifyRequest } from 'fastify'
import t from 'tap'
import type { Fault } from '../../lib/emulator/index.ts'
import type { TestApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { HOUR, MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.ts'
import { accessToken, loggedIn } from '../support/logged-in.ts'
import { AGENT } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { until } from '../support/wait.ts'

t.test('RF5 invalid_grant ends the login cleanly and causes no second refresh.', async t => {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(t, {}, { store })
  app.sentinel.expireRefreshTokens()
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal(app.calls('refresh'), 1)
  t.match((await browser.step(app.url('/page/a'))).location, '/login?returnTo=')
  t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
  t.equal(app.calls('refresh'), 1)
  t.same(
    [...store.records.keys()].filter(id => !id.startsWith('le-auth:state:')),
    [],
    'the store keeps nothing of the login'
  )
  t.match(app.events().at(-1), { event: 'login_ended', userId: AGENT.id, reason: 'invalid_grant' })
})

t.test(
  'The session data of an ended login is dropped, even if the app regenerated the session ' +
    'in that request.',
  async t => {
    const { app, clock, browser } = await loggedIn(
      t,
      {},
      {},
      {
        after: app => {
          const regenerate = async (request: FastifyRequest): Promise<void> => {
            Object.assign(request.session, { cart: 7 })
            await request.session.regenerate(['cart'])
          }
          app.get('/anew', { onRequest: [regenerate, app.requireAuth] }, async () => 'in')
          app.get('/cart', async ({ session }) => ({ ...session }))
        }
      }
    )
    app.sentinel.expireRefreshTokens()
    clock.advance(61 * MINUTE)
    t.equal((await browser.script(app.url('/anew'))).status, 401)
    t.equal((await browser.script(app.url('/cart'))).json().cart, undefined)
  }
)

t.test(
  'If a background refresh ends the login, its request is served and the next one is ' +
    'anonymous.',
  async t => {
    const { app, clock, browser } = await loggedIn(t)
    app.sentinel.expireRefreshTokens()
    clock.advance(31 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    await until(() => app.events().some(event => event.event === 'login_ended'))
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.equal(app.calls('refresh'), 1)
  }
)

const REFUSALS = [
  { status: 400, body: '<html>Bad Request</html>' },
  { status: 400, body: '{"error":{"code":"0023","message":"no"}}' },
  { status: 401, body: '{"error":"invalid_client"}' },
  { status: 401 },
  { status: 400, body: '{"error":"something_else"}' }
]

/** How many events with this name the app has logged. */
const events = (app: TestApp, name: string): number =>
  app.events().filter(({ event }) => event === name).length

t.test(
  'A refusal other than invalid_grant is retried after 30 seconds; a second in a row ends ' +
    'the login, though the token is still valid.',
  async t => {
    for (const refusal of REFUSALS) {
      const { app, clock, browser } = await loggedIn(t)
      app.sentinel.always('refresh', refusal)
      clock.advance(31 * MINUTE)
      t.equal((await browser.script(app.url('/users'))).json().status, 200, JSON.stringify(refusal))
      await until(() => events(app, 'refresh_failed') === 1)
      clock.advance(28 * SECOND)
      t.equal(
        (await browser.script(app.url('/users'))).json().status,
        200,
        'the token is still valid'
      )
      t.equal(app.calls('refresh'), 1, 'no retry before 30 seconds')
      clock.advance(3 * SECOND)
      t.equal(
        (await browser.script(app.url('/me'))).status,
        200,
        'the retry runs in the background'
      )
      await until(() => events(app, 'login_ended') === 1)
      t.equal((await browser.script(app.url('/me'))).status, 401)
      t.equal(app.calls('refresh'), 2)
      t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
    }
  }
)

t.test('Any refusal ends the login at once if the token has expired.', async t => {
  for (const refusal of REFUSALS) {
    const { app, clock, browser } = await loggedIn(t)
    app.sentinel.always('refresh', refusal)
    clock.advance(61 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 401, JSON.stringify(refusal))
    t.equal(app.calls('refresh'), 1)
  }
})

t.test('A single refusal is forgotten once a retry succeeds.', async t => {
  const { app, clock, browser } = await loggedIn(t)
  for (let slips = 1; slips <= 2; slips += 1) {
    app.sentinel.next('refresh', { status: 401 })
    clock.advance(31 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    await until(() => events(app, 'refresh_failed') === slips)
    clock.advance(31 * SECOND)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    await until(() => app.calls('refresh') === 2 * slips)
    t.equal((await browser.script(app.url('/me'))).status, 200)
  }
  t.equal(events(app, 'login_ended'), 0)
})

t.test(
  'If the token lifetime is unknown, invalid_grant ends the login at once, and any other ' +
    'refusal ends it the second time in a row.',
  async t => {
    for (const [errorBody, calls] of [
      ['oauth', 1],
      ['nested', 2],
      ['html', 2]
    ] as const) {
      const { app, clock, browser } = await loggedIn(t, {
        behaviour: { expiresIn: 'absent', errorBody },
        lifetimes: { accessToken: 24 * HOUR }
      })
      app.sentinel.expireRefreshTokens()
      clock.advance(31 * MINUTE)
      for (let call = 1; call <= calls; call += 1) {
        t.equal((await browser.script(app.url('/me'))).status, 200, `${errorBody}: ${call}`)
        await until(() => events(app, call === calls ? 'login_ended' : 'refresh_failed') === 1)
        clock.advance(31 * SECOND)
      }
      t.equal((await browser.script(app.url('/me'))).status, 401, errorBody)
      t.equal(app.calls('refresh'), calls)
    }
  }
)

t.test('After a lost response, the old refresh token is tried again after a pause.', async t => {
  for (const fault of [
    { cutOff: 'before-response' },
    { cutOff: 'mid-body' },
    { drip: SHORT_DEADLINE }
  ] as const) {
    const { app, clock, browser } = await loggedIn(
      t,
      { behaviour: { oldRefreshTokenDies: false } },
      { httpTimeout: SHORT_DEADLINE }
    )
    app.sentinel.next('refresh', fault)
    clock.advance(61 * MINUTE)
    t.equal(
      errorCode(await browser.script(app.url('/me'))),
      'LE_AUTH_REFRESH_UNAVAILABLE',
      JSON.stringify(fault)
    )
    await browser.script(app.url('/me'))
    t.equal(app.calls('refresh'), 1, 'not at once')
    clock.advance(7 * SECOND)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal(app.calls('refresh'), 2)
  }
})

t.test(
  'If the old refresh token is dead after a lost response, the login ends and a log line ' +
    'says why.',
  async t => {
    const shifted = await loggedIn(t)
    const { app, clock, browser } = shifted
    const token = await accessToken(shifted)
    app.sentinel.next('refresh', { cutOff: 'before-response' })
    clock.advance(31 * MINUTE)
    t.equal(await accessToken(shifted), token)
    await until(() => app.events().some(event => event.event === 'refresh_failed'))
    t.equal(
      (await browser.script(app.url('/users'))).json().status,
      200,
      'the present access token is still valid'
    )
    clock.advance(7 * SECOND)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    await until(() => app.events().some(event => event.event === 'login_ended'))
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.equal(app.calls('refresh'), 2)
    t.match(app.events().at(-1), { event: 'login_ended', reason: 'response_lost' })
    t.match(app.logLines.join(''), 'the response to its last refresh was lost')
  }
)

t.test('A refresh response that cannot be used counts as lost.', async t => {
  for (const [what, fault] of Object.entries<Fault>({
    'another token type': { change: response => ({ ...response, token_type: 'mac' }) },
    'a lifetime that is not a number': {
      change: response => ({ ...response, expires_in: 'soon' })
    },
    'a malformed id_token': { change: response => ({ ...response, id_token: 'a.b.c' }) }
  })) {
    const { app, clock, browser } = await loggedIn(t)
    app.sentinel.next('refresh', fault)
    clock.advance(61 * MINUTE)
    t.equal(errorCode(await browser.script(app.url('/me'))), 'LE_AUTH_REFRESH_UNAVAILABLE', what)
    clock.advance(7 * SECOND)
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.match(app.events().at(-1), { event: 'login_ended', reason: 'response_lost' })
  }
})

t.test('The login ends even if the app destroys the session before the guard runs.', async t => {
  const { app, clock, browser } = await loggedIn(
    t,
    {},
    {},
    {
      after: app =>
        app.get(
          '/destroyed',
          { onRequest: [async ({ session }) => session.destroy(), app.requireAuth] },
          async () => 'inside'
        )
    }
  )
  app.sentinel.expireRefreshTokens()
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/destroyed'))).status, 401)
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test(
  'Data that public pages write to the session after the login has ended is kept.',
  async t => {
    const { app, clock, browser } = await loggedIn(
      t,
      {},
      {},
      {
        after: app =>
          app.get('/add', async ({ session }) => {
            const { visits = 0 } = session as { visits?: number }
            Object.assign(session, { visits: visits + 1 })
            return visits + 1
          })
      }
    )
    app.sentinel.expireRefreshTokens()
    clock.advance(31 * MINUTE)
    await browser.script(app.url('/me'))
    await until(() => app.events().some(event => event.event === 'login_ended'))
    for (const visits of [1, 2, 3]) {
      t.equal((await browser.script(app.url('/add'))).text, String(visits))
    }
    t.equal((await browser.script(app.url('/me'))).status, 401)
  }
)
