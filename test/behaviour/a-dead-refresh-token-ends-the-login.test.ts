import type { FastifyRequest } from 'fastify'
import t from 'tap'
import type { Fault } from '../../lib/emulator/index.js'
import { AGENT, errorCode } from '../support/app.js'
import { HOUR, MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.js'
import { accessToken, loggedIn, until } from '../support/shifted.js'
import { TestStore } from '../support/stores.js'

t.test('RF5 invalid_grant ends it cleanly, without asking again', async t => {
  const store = new TestStore()
  const { app, clock, browser } = await loggedIn(t, {}, { session: { store } })
  app.sentinel.expireRefreshTokens()
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal(app.calls('refresh'), 1)
  t.match((await browser.step(app.url('/page/a'))).location, '/login?returnTo=')
  t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
  t.equal(app.calls('refresh'), 1)
  t.same([store.tokenSets, store.logins], [[], []])
  t.match(app.events().at(-1), { event: 'session_ended', userId: AGENT.id, reason: 'invalid_grant' })
})

t.test('a session that the app has begun instead in the same request stays', async t => {
  const { app, clock, browser } = await loggedIn(t, {}, {}, {
    after: app => {
      const regenerate = async (request: FastifyRequest): Promise<void> => {
        Object.assign(request.session, { cart: 7 })
        await request.session.regenerate(['cart'])
      }
      app.get('/anew', { onRequest: [regenerate, app.requireAuth] }, async () => 'in')
      app.get('/cart', async ({ session }) => ({ ...session }))
    }
  })
  app.sentinel.expireRefreshTokens()
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/anew'))).status, 401)
  t.match((await browser.script(app.url('/cart'))).json(), { cart: 7 })
})

t.test('also behind a request: that one is served, the next one is anonymous', async t => {
  const { app, clock, browser } = await loggedIn(t)
  app.sentinel.expireRefreshTokens()
  clock.advance(31 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  await until(() => app.events().some(event => event.event === 'session_ended'))
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal(app.calls('refresh'), 1)
})

const REFUSALS = [
  { status: 400, body: '<html>Bad Request</html>' }, { status: 400, body: '{"error":{"code":"0023","message":"no"}}' },
  { status: 401, body: '{"error":"invalid_client"}' }, { status: 401 }, { status: 400, body: '{"error":"something_else"}' }
]

t.test('a refusal in other words is not repeated while the token lives, and ends the login with it', async t => {
  for (const refusal of REFUSALS) {
    const { app, clock, browser } = await loggedIn(t)
    app.sentinel.always('refresh', refusal)
    clock.advance(31 * MINUTE)
    for (let i = 0; i < 5; i += 1) {
      t.equal((await browser.script(app.url('/users'))).json().status, 200, JSON.stringify(refusal))
      clock.advance(5 * MINUTE)
    }
    t.equal(app.calls('refresh'), 1, 'PROTOCOL.md §8')
    clock.advance(5 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.equal(app.calls('refresh'), 2, 'one last try')
    t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
  }
})

t.test('a refusal that was a slip is forgotten by the last try', async t => {
  const { app, clock, browser } = await loggedIn(t)
  app.sentinel.next('refresh', { status: 401 })
  clock.advance(31 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  await until(() => app.events().some(event => event.event === 'refresh_failed'))
  clock.advance(30 * MINUTE)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
})

t.test('where the lifetime was not told, a refusal in any words ends it', async t => {
  for (const errorBody of ['oauth', 'nested', 'html'] as const) {
    const { app, clock, browser } = await loggedIn(t, { behaviour: { expiresIn: 'absent', errorBody }, lifetimes: { accessToken: 24 * HOUR } })
    app.sentinel.expireRefreshTokens()
    clock.advance(31 * MINUTE)
    await browser.script(app.url('/me'))
    await until(() => app.events().some(event => event.event === 'session_ended'))
    t.equal((await browser.script(app.url('/me'))).status, 401, errorBody)
  }
})

t.test('an answer that was lost: the old refresh token is tried once more, after a pause', async t => {
  for (const fault of [{ cutOff: 'before-answer' }, { cutOff: 'mid-body' }, { drip: SHORT_DEADLINE }] as const) {
    const { app, clock, browser } = await loggedIn(t, { behaviour: { oldRefreshTokenDies: false } }, { httpTimeout: SHORT_DEADLINE })
    app.sentinel.next('refresh', fault)
    clock.advance(61 * MINUTE)
    t.equal(errorCode(await browser.script(app.url('/me'))), 'LE_AUTH_REFRESH_UNAVAILABLE', JSON.stringify(fault))
    await browser.script(app.url('/me'))
    t.equal(app.calls('refresh'), 1, 'not at once')
    clock.advance(7 * SECOND)
    t.equal((await browser.script(app.url('/users'))).json().status, 200)
    t.equal(app.calls('refresh'), 2)
  }
})

t.test('and when it is dead by then, the login ends, with a log line that says why', async t => {
  const shifted = await loggedIn(t)
  const { app, clock, browser } = shifted
  const token = await accessToken(shifted)
  app.sentinel.next('refresh', { cutOff: 'before-answer' })
  clock.advance(31 * MINUTE)
  t.equal(await accessToken(shifted), token)
  await until(() => app.events().some(event => event.event === 'refresh_failed'))
  t.equal((await browser.script(app.url('/users'))).json().status, 200, 'the token at hand lives on')
  clock.advance(7 * SECOND)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  await until(() => app.events().some(event => event.event === 'session_ended'))
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal(app.calls('refresh'), 2)
  t.match(app.events().at(-1), { event: 'session_ended', reason: 'answer_lost' })
  t.match(app.logLines.join(''), 'the answer to its last refresh was lost')
})

t.test('an answer that cannot be used counts as lost too', async t => {
  for (const [what, fault] of Object.entries<Fault>({
    'a token type of another kind': { change: answer => ({ ...answer, token_type: 'mac' }) },
    'a lifetime that is no number': { change: answer => ({ ...answer, expires_in: 'soon' }) },
    'an id_token that is none': { change: answer => ({ ...answer, id_token: 'a.b.c' }) }
  })) {
    const { app, clock, browser } = await loggedIn(t)
    app.sentinel.next('refresh', fault)
    clock.advance(61 * MINUTE)
    t.equal(errorCode(await browser.script(app.url('/me'))), 'LE_AUTH_REFRESH_UNAVAILABLE', what)
    clock.advance(7 * SECOND)
    t.equal((await browser.script(app.url('/me'))).status, 401)
    t.match(app.events().at(-1), { event: 'session_ended', reason: 'answer_lost' })
  }
})

t.test('also where the app has destroyed the session before the guard looks', async t => {
  const { app, clock, browser } = await loggedIn(t, {}, {}, {
    after: app => app.get('/destroyed', { onRequest: [async ({ session }) => session.destroy(), app.requireAuth] }, async () => 'inside')
  })
  app.sentinel.expireRefreshTokens()
  clock.advance(61 * MINUTE)
  t.equal((await browser.script(app.url('/destroyed'))).status, 401)
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('what public pages keep in the session afterwards is kept', async t => {
  const { app, clock, browser } = await loggedIn(t, {}, {}, {
    after: app => app.get('/add', async ({ session }) => {
      const { visits = 0 } = session as { visits?: number }
      Object.assign(session, { visits: visits + 1 })
      return visits + 1
    })
  })
  app.sentinel.expireRefreshTokens()
  clock.advance(31 * MINUTE)
  await browser.script(app.url('/me'))
  await until(() => app.events().some(event => event.event === 'session_ended'))
  for (const visits of [1, 2, 3]) t.equal((await browser.script(app.url('/add'))).text, String(visits))
  t.equal((await browser.script(app.url('/me'))).status, 401)
})
