import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { ADMIN, AGENT, logIn, upToCallback } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { gate, hold, until } from '../support/wait.ts'

t.test(
  'A callback reloaded while logged in redirects to the return path and sends Sentinel no ' +
    'request.',
  async t => {
    const app = await startApp(t)
    const browser = app.browser()
    const callback = await upToCallback(app, browser, '/page/there')
    await browser.navigate(callback)
    const again = await browser.step(callback)
    t.equal(again.status, 303)
    t.equal(again.location, '/page/there')
    t.equal(app.calls('token'), 1)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  }
)

t.test(
  'A callback opened again with the back button after a logout says that the login has ended.',
  async t => {
    const app = await startApp(t)
    const browser = app.browser()
    const callback = await upToCallback(app, browser, '/page/there')
    await browser.navigate(callback)
    await browser.submit(app.url('/logout'), {})
    const back = await browser.navigate(callback)
    t.equal(back.status, 400)
    t.equal(errorCode(back), 'LE_AUTH_CALLBACK_INVALID (login_ended)')
    t.match(
      back.text,
      'href="/login"',
      'the return path is shown only to a browser with that login'
    )
    t.equal(app.calls('token'), 1)
    t.equal((await browser.script(app.url('/me'))).status, 401)
  }
)

t.test(
  'A callback replayed with the cookies from before the login does not log in a second time.',
  async t => {
    const app = await startApp(t)
    const browser = app.browser()
    const callback = await upToCallback(app, browser)
    const saved = await browser.copy()
    await browser.navigate(callback)
    const replay = await saved.navigate(callback)
    t.equal(replay.status, 400)
    t.equal(errorCode(replay), 'LE_AUTH_CALLBACK_INVALID (login_ended)')
    t.equal((await saved.script(app.url('/me'))).status, 401)
    t.equal(app.calls('token'), 1)
  }
)

t.test('The state counts as used after a failed code exchange.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/page/there')
  const saved = await browser.copy()
  app.sentinel.next('token', { status: 503 })
  t.equal(errorCode(await browser.navigate(callback)), 'LE_AUTH_SENTINEL_UNAVAILABLE')
  const again = await saved.navigate(callback)
  t.equal(again.status, 400)
  t.equal(errorCode(again), 'LE_AUTH_CALLBACK_INVALID (state_used)')
  t.match(again.text, 'href="/login?returnTo=%2Fpage%2Fthere"')
  t.equal(app.calls('token'), 1)
})

t.test('Ten simultaneous copies of a callback log in once.', async t => {
  await tenAtOnce(t, await startApp(t))
})

t.test(
  'Ten copies of a callback log in once even if all read the store before one writes.',
  async t => {
    const store = new TestStore()
    const allRead = gate()
    let reads = 0
    store.trouble = ({ operation, kind }) => {
      if (operation !== 'get' || kind !== 'used state') return undefined
      if (++reads === 10) allRead.open()
      return { heldUntil: allRead.pass() }
    }
    await tenAtOnce(t, await startApp(t, { options: { store } }))
    t.equal(store.logins.length, 1)
  }
)

async function tenAtOnce(t: Test, app: TestApp): Promise<void> {
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  const exchange = hold(app.sentinel, 'token')
  const copies = await Promise.all(Array.from({ length: 10 }, () => browser.copy()))
  let refused = 0
  const callbacks = copies.map(async copy => {
    const response = await copy.step(callback)
    if (response.status !== 303) refused += 1
    return response
  })
  // The callback that logs in gets its response last.
  await until(() => refused === 9)
  exchange.release()
  const responses = await Promise.all(callbacks)
  t.equal(responses.filter(response => response.status === 303).length, 1)
  t.equal(
    responses.filter(response => errorCode(response) === 'LE_AUTH_CALLBACK_INVALID (state_used)')
      .length,
    9
  )
  t.equal(app.calls('token'), 1)
}

t.test('POST /callback is refused with 405.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  t.equal(
    (
      await browser.step(callback, {
        method: 'POST',
        headers: { 'content-type': 'application/json' }
      })
    ).status,
    405
  )
  t.equal((await browser.navigate(callback)).status, 200, 'the state is still unused')
})

t.test('A second login in the same browser works.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const response = await browser.navigate(app.url('/login?returnTo=/page/again'))
  t.equal(response.text, 'page /page/again')
  t.equal(app.calls('token'), 2)
})

t.test(
  'The return path of a login is shown only to a browser with that login or its transaction.',
  async t => {
    const store = new TestStore()
    const app = await startApp(t, { options: { store } })
    const browser = app.browser()
    const callback = await upToCallback(app, browser, '/login?returnTo=/invite/secret')
    const beforeIt = await browser.copy()
    await browser.navigate(callback)
    const other = app.browser()
    await logIn(app, other, ADMIN)
    t.equal((await browser.step(callback)).location, '/invite/secret')
    t.equal((await other.step(callback)).location, '/')
    t.notMatch((await app.browser().navigate(callback)).text, 'secret')
    t.match((await beforeIt.navigate(callback)).text, 'href="/login?returnTo=%2Finvite%2Fsecret"')
  }
)

t.test('A used state stays used even if the store damages its record.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { store } })
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/page/there')
  const saved = await browser.copy()
  await browser.navigate(callback)
  for (const id of store.records.keys()) {
    if (id.startsWith('le-auth:state:')) {
      store.rewrite(id, record => ({ ...record, leAuth: `${record.leAuth.slice(0, -2)}AA` }))
    }
  }
  // Another process has no memory of this state.
  const other = await startApp(t, { sentinel: app.sentinel, options: { store } })
  t.equal(
    (await (await browser.copy({ [other.origin]: other.server })).step(callback)).location,
    '/'
  )
  t.equal(
    errorCode(await (await saved.copy({ [other.origin]: other.server })).navigate(callback)),
    'LE_AUTH_CALLBACK_INVALID (state_used)'
  )
})
