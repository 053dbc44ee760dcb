import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { LE_AUTH_CHANNELS } from '../../lib/index.ts'
import { MINUTE, SECOND } from '../support/clock.ts'
import { loggedIn } from '../support/logged-in.ts'
import { AGENT, logIn } from '../support/login.ts'
import { isTokenWrite } from '../support/stores.ts'
import { twoApps } from '../support/two-apps.ts'
import { gate, hold, until } from '../support/wait.ts'

interface Heard {
  name: string
  message: any
}

function listen(t: Test): Heard[] {
  const heard: Heard[] = []
  const listener = (message: unknown, name: string | symbol): void => {
    heard.push({ name: String(name).replace('fastify-le-auth:', ''), message })
  }
  for (const name of LE_AUTH_CHANNELS) subscribe(name, listener)
  t.teardown(() => {
    for (const name of LE_AUTH_CHANNELS) unsubscribe(name, listener)
  })
  return heard
}

const USER = { accountId: '12345678', userId: AGENT.id }

t.test('The channels report a login, its refreshes and failures, and its logout.', async t => {
  const heard = listen(t)
  const { app, clock, browser } = await loggedIn(t)
  t.same(heard.splice(0), [{ name: 'login:succeeded', message: USER }])

  clock.advance(61 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  const responses = [1, 2, 3].map(() => browser.script(app.url('/me')))
  await held.ready()
  await until(() => heard.length === 3)
  clock.advance(SECOND)
  held.release()
  await Promise.all(responses)
  const refreshed = heard.splice(0)
  // A request that joins may be reported before the refresh request to Sentinel.
  t.same(refreshed.map(({ name }) => name).sort(), [
    'refresh:joined',
    'refresh:joined',
    'refresh:started',
    'refresh:succeeded'
  ])
  t.match(refreshed.at(-1)!.message, USER)
  t.ok(refreshed.at(-1)!.message.duration >= 1000)

  clock.advance(61 * MINUTE)
  app.sentinel.next('refresh', { status: 503 })
  await browser.script(app.url('/me'))
  await browser.script(app.url('/me'))
  t.same(
    heard.splice(0),
    [
      { name: 'refresh:started', message: USER },
      {
        name: 'refresh:failed',
        message: { ...USER, code: 'LE_AUTH_REFRESH_UNAVAILABLE', reason: 'http_503' }
      }
    ],
    'a request that only waits for the next try does not count as a refresh'
  )

  clock.advance(MINUTE)
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  t.same(heard.splice(0), [{ name: 'logout', message: { ...USER, revoked: true } }])

  await browser.step(app.url('/callback?code=x&state=y'))
  t.same(heard.splice(0), [
    {
      name: 'login:failed',
      message: {
        accountId: '12345678',
        code: 'LE_AUTH_CALLBACK_INVALID',
        reason: 'state_malformed'
      }
    }
  ])
})

t.test(
  'Requests that do not wait for a background refresh do not join it, and are not held ' +
    'until it ends.',
  async t => {
    const heard = listen(t)
    const { app, clock, browser } = await loggedIn(t)
    heard.length = 0
    clock.advance(31 * MINUTE)
    const held = hold(app.sentinel, 'refresh')
    for (let i = 0; i < 10; i += 1) await browser.script(app.url('/me'))
    t.same(
      heard.map(({ name }) => name),
      ['refresh:started']
    )
    held.release()
  }
)

t.test(
  'Each started refresh is reported as ended, even if its process takes the tokens of ' +
    'another process.',
  async t => {
    const heard = listen(t)
    const { one, other, store, clock, toOther } = await twoApps(t, {
      behaviour: { reuseKillsFamily: false }
    })
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    heard.length = 0
    clock.advance(61 * MINUTE)
    const writing = gate()
    store.trouble = call => (isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined)
    const responses = [browser.script(one.url('/me')), there.script(other.url('/me'))]
    await until(() => one.calls('refresh') === 2)
    writing.open()
    for (const response of responses) t.equal((await response).status, 200)
    t.same(
      heard.map(({ name }) => name),
      ['refresh:started', 'refresh:started', 'refresh:succeeded', 'refresh:succeeded']
    )
  }
)

t.test('A login that Sentinel ends is reported as a refresh that failed for good.', async t => {
  const heard = listen(t)
  const { app, clock, browser } = await loggedIn(t)
  app.sentinel.expireRefreshTokens()
  clock.advance(31 * MINUTE)
  await browser.script(app.url('/me'))
  await until(() => heard.length >= 3)
  t.same(heard.at(-1), {
    name: 'refresh:failed',
    message: { ...USER, code: 'LE_AUTH_LOGIN_REQUIRED', reason: 'invalid_grant' }
  })
})

t.test('No event contains a token, a code, a state or a key of the store.', async t => {
  const heard = listen(t)
  const { app, clock, browser } = await loggedIn(t)
  const tokens = (await browser.script(app.url('/token'))).json()
  clock.advance(61 * MINUTE)
  await browser.script(app.url('/me'))
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  const text = JSON.stringify(heard)
  t.notMatch(text, tokens.accessToken)
  t.notMatch(text, 'le-auth:tokens')
  t.notMatch(text, /[0-9a-zA-Z_-]{40,}/)
  t.ok(heard.length >= 4)
})
