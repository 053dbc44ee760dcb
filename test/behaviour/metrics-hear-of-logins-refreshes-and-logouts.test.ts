import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { LE_AUTH_CHANNELS } from '../../lib/index.js'
import { AGENT, logIn } from '../support/app.js'
import { MINUTE, SECOND } from '../support/clock.js'
import { gate, hold } from '../support/hold.js'
import { loggedIn, until } from '../support/shifted.js'
import { isTokenWrite } from '../support/stores.js'
import { twoApps } from '../support/two-apps.js'

interface Heard { name: string, message: any }

function listen (t: Test): Heard[] {
  const heard: Heard[] = []
  const listener = (message: unknown, name: string | symbol): void => { heard.push({ name: String(name).replace('fastify-le-auth:', ''), message }) }
  for (const name of LE_AUTH_CHANNELS) subscribe(name, listener)
  t.teardown(() => { for (const name of LE_AUTH_CHANNELS) unsubscribe(name, listener) })
  return heard
}

const WHO = { accountId: '12345678', userId: AGENT.id }

t.test('from the login to the logout', async t => {
  const heard = listen(t)
  const { app, clock, browser } = await loggedIn(t)
  t.same(heard.splice(0), [{ name: 'login:succeeded', message: WHO }])

  clock.advance(61 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  const answers = [1, 2, 3].map(() => browser.script(app.url('/me')))
  await held.ready()
  await until(() => heard.length === 3)
  clock.advance(SECOND)
  held.release()
  await Promise.all(answers)
  const refreshed = heard.splice(0)
  // Who joins may be heard before Sentinel is asked.
  t.same(refreshed.map(({ name }) => name).sort(), ['refresh:joined', 'refresh:joined', 'refresh:started', 'refresh:succeeded'])
  t.match(refreshed.at(-1)!.message, WHO)
  t.ok(refreshed.at(-1)!.message.duration >= 1000)

  clock.advance(61 * MINUTE)
  app.sentinel.next('refresh', { status: 503 })
  await browser.script(app.url('/me'))
  await browser.script(app.url('/me'))
  t.same(heard.splice(0), [
    { name: 'refresh:started', message: WHO },
    { name: 'refresh:failed', message: { ...WHO, code: 'LE_AUTH_REFRESH_UNAVAILABLE', reason: 'http_503' } }
  ], 'a request that only waits for the next try is no refresh')

  clock.advance(MINUTE)
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  t.same(heard.splice(0), [{ name: 'logout', message: { ...WHO, revoked: true } }])

  await browser.step(app.url('/callback?code=x&state=y'))
  t.same(heard.splice(0), [{ name: 'login:failed', message: { accountId: '12345678', code: 'LE_AUTH_CALLBACK_INVALID', reason: 'state' } }])
})

t.test('requests that need not wait for a refresh take no part in it, and are not kept until it ends', async t => {
  const heard = listen(t)
  const { app, clock, browser } = await loggedIn(t)
  heard.length = 0
  clock.advance(31 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  for (let i = 0; i < 10; i += 1) await browser.script(app.url('/me'))
  t.same(heard.map(({ name }) => name), ['refresh:started'])
  held.release()
})

t.test('each refresh that has started ends, also that of the process which takes the tokens of another', async t => {
  const heard = listen(t)
  const { one, other, store, clock, toOther } = await twoApps(t, { behaviour: { reuseKillsFamily: false } })
  const browser = one.browser()
  await logIn(one, browser)
  const there = await toOther(browser)
  heard.length = 0
  clock.advance(61 * MINUTE)
  const writing = gate()
  store.trouble = call => isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined
  const answers = [browser.script(one.url('/me')), there.script(other.url('/me'))]
  await until(() => one.calls('refresh') === 2)
  writing.open()
  for (const answer of answers) t.equal((await answer).status, 200)
  t.same(heard.map(({ name }) => name), ['refresh:started', 'refresh:started', 'refresh:succeeded', 'refresh:succeeded'])
})

t.test('the end of a login by Sentinel is a refresh that failed for good', async t => {
  const heard = listen(t)
  const { app, clock, browser } = await loggedIn(t)
  app.sentinel.expireRefreshTokens()
  clock.advance(31 * MINUTE)
  await browser.script(app.url('/me'))
  await until(() => heard.length >= 3)
  t.same(heard.at(-1), { name: 'refresh:failed', message: { ...WHO, code: 'LE_AUTH_SESSION_ENDED', reason: 'invalid_grant' } })
})

t.test('no event holds a token, a code, a state or a key of the store', async t => {
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
