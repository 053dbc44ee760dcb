import t, { type Test } from 'tap'
import type { Authentication } from '../../lib/index.ts'
import { type Setting, startApp, type TestApp } from '../support/app.ts'
import type { Browser } from '../support/browser.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { until } from '../support/wait.ts'

const ENDED = ['LE_AUTH_LOGIN_REQUIRED', 'LE_AUTH_LOGIN_REQUIRED']
const ALIVE = ['a token', 200]

interface OpenRequest {
  app: TestApp
  browser: Browser
  clock: Clock
  /** The results if the request needs a token, and makes a call, now. */
  attempt: () => Promise<unknown[]>
}

/** A request of a logged-in user that stays open, as those of EventSource and WebSocket do. */
async function openRequest(t: Test, { options, emulator }: Setting = {}): Promise<OpenRequest> {
  const clock = new Clock()
  let leAuth: Authentication | undefined
  let end = (): void => {}
  const app = await startApp(t, {
    options: { now: clock.now, ...options },
    emulator: { now: clock.now, ...emulator },
    after: app =>
      app.get('/stream', { onRequest: app.requireAuth }, async request => {
        leAuth = request.leAuth!
        await new Promise<void>(resolve => {
          end = resolve
        })
        return 'end'
      })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const stream = browser.script(app.url('/stream'))
  t.teardown(async () => {
    end()
    await stream
  })
  await until(() => leAuth !== undefined)
  return {
    app,
    browser,
    clock,
    attempt: () =>
      Promise.all([
        leAuth!.getAccessToken().then(
          () => 'a token',
          error => error.code
        ),
        leAuth!
          .fetch('accountConfigReadOnly', '/api/account/{accountId}/configuration/le-users/users')
          .then(
            ({ status }) => status,
            error => error.code
          )
      ])
  }
}

for (const expiresIn of ['number', 'absent'] as const) {
  t.test(
    'An open request can no longer act for the user after a logout, with expires_in ' +
      `${expiresIn}.`,
    async t => {
      const { app, browser, attempt } = await openRequest(t, {
        emulator: { behaviour: { expiresIn } }
      })
      t.same(await attempt(), ALIVE)
      await browser.submit(app.url('/logout'), {})
      t.same(await attempt(), ENDED, 'although the token itself is still valid')
    }
  )

  t.test(
    'An open request can no longer act for the user after the absolute lifetime, with ' +
      `expires_in ${expiresIn}.`,
    async t => {
      const { clock, attempt } = await openRequest(t, {
        options: { idleLifetime: 24 * HOUR },
        emulator: { behaviour: { expiresIn }, lifetimes: { accessToken: 24 * HOUR } }
      })
      clock.advance(8 * HOUR - MINUTE)
      t.same(await attempt(), ALIVE)
      clock.advance(2 * MINUTE)
      t.same(await attempt(), ENDED)
    }
  )
}

t.test(
  'An open request can act for the user until the idle lifetime is over, which only other ' +
    'requests extend.',
  async t => {
    const { app, browser, clock, attempt } = await openRequest(t, {
      emulator: { lifetimes: { accessToken: 24 * HOUR } }
    })
    clock.advance(50 * MINUTE)
    t.equal((await browser.script(app.url('/me'))).status, 200)
    clock.advance(50 * MINUTE)
    t.same(await attempt(), ALIVE)
    clock.advance(11 * MINUTE)
    t.same(await attempt(), ENDED)
    t.equal((await browser.script(app.url('/me'))).status, 401)
  }
)

t.test(
  'After a logout in another process, an open request can no longer act for the user from ' +
    'the next refresh on.',
  async t => {
    const store = new TestStore()
    const { app, browser, clock, attempt } = await openRequest(t, { options: { store } })
    const other = await startApp(t, { sentinel: app.sentinel, options: { now: clock.now, store } })
    await (await browser.copy({ [other.origin]: other.server })).submit(other.url('/logout'), {})
    clock.advance(31 * MINUTE)
    await attempt()
    await until(async () => (await attempt())[0] === 'LE_AUTH_LOGIN_REQUIRED')
    t.same(await attempt(), ENDED)
    t.equal(app.calls('refresh'), 0)
  }
)
