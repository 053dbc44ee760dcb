import t, { type Test } from 'tap'
import type { Authentication } from '../../lib/index.js'
import { logIn, startApp, type Setting, type TestApp } from '../support/app.js'
import type { Browser } from '../support/browser.js'
import { Clock, HOUR, MINUTE } from '../support/clock.js'
import { until } from '../support/shifted.js'
import { TestStore } from '../support/stores.js'

const ENDED = ['LE_AUTH_SESSION_ENDED', 'LE_AUTH_SESSION_ENDED']
const ALIVE = ['a token', 200]

interface OpenRequest {
  app: TestApp
  browser: Browser
  clock: Clock
  /** What comes of a token and of a call that the request asks for now. */
  asks: () => Promise<unknown[]>
}

/** A request of a logged-in user that stays open, as those of EventSource and WebSocket do. */
async function openRequest (t: Test, { options, emulator }: Setting = {}): Promise<OpenRequest> {
  const clock = new Clock()
  let leAuth: Authentication | undefined
  let end = (): void => {}
  const app = await startApp(t, {
    options: { now: clock.now, ...options },
    emulator: { now: clock.now, ...emulator },
    after: app => app.get('/stream', { onRequest: app.requireAuth }, async request => {
      leAuth = request.leAuth!
      await new Promise<void>(resolve => { end = resolve })
      return 'end'
    })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const stream = browser.script(app.url('/stream'))
  t.teardown(async () => { end(); await stream })
  await until(() => leAuth !== undefined)
  return {
    app,
    browser,
    clock,
    asks: () => Promise.all([
      leAuth!.getAccessToken().then(() => 'a token', error => error.code),
      leAuth!.fetch('accountConfigReadOnly', '/api/account/{accountId}/configuration/le-users/users').then(({ status }) => status, error => error.code)
    ])
  }
}

for (const expiresIn of ['number', 'absent'] as const) {
  t.test(`An open request acts no more after a logout, with expires_in ${expiresIn}.`, async t => {
    const { app, browser, asks } = await openRequest(t, { emulator: { behaviour: { expiresIn } } })
    t.same(await asks(), ALIVE)
    await browser.submit(app.url('/logout'), {})
    t.same(await asks(), ENDED, 'though the token itself lives')
  })

  t.test(`Nor does it after the absolute lifetime, with expires_in ${expiresIn}.`, async t => {
    const { clock, asks } = await openRequest(t, { options: { session: { idleLifetime: 24 * HOUR } }, emulator: { behaviour: { expiresIn }, lifetimes: { accessToken: 24 * HOUR } } })
    clock.advance(8 * HOUR - MINUTE)
    t.same(await asks(), ALIVE)
    clock.advance(2 * MINUTE)
    t.same(await asks(), ENDED)
  })
}

t.test('It is no activity itself: it acts no more when the idle lifetime is over, and as long as there are other requests.', async t => {
  const { app, browser, clock, asks } = await openRequest(t, { emulator: { lifetimes: { accessToken: 24 * HOUR } } })
  clock.advance(50 * MINUTE)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  clock.advance(50 * MINUTE)
  t.same(await asks(), ALIVE)
  clock.advance(11 * MINUTE)
  t.same(await asks(), ENDED)
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('After a logout in another process it acts no more with the next refresh.', async t => {
  const store = new TestStore()
  const { app, browser, clock, asks } = await openRequest(t, { options: { session: { store } } })
  const other = await startApp(t, { sentinel: app.sentinel, options: { now: clock.now, session: { store } } })
  await (await browser.copy({ [other.origin]: other.server })).submit(other.url('/logout'), {})
  clock.advance(31 * MINUTE)
  await asks()
  await until(async () => (await asks())[0] === 'LE_AUTH_SESSION_ENDED')
  t.same(await asks(), ENDED)
  t.equal(app.calls('refresh'), 0)
})
