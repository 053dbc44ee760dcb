import t from 'tap'
import { startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { logIn, upToCallback } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'
import { twoApps } from '../support/two-apps.ts'

t.test('A callback with a made-up state costs no call to the store.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { store } })
  const stranger = app.browser()
  const withLogin = app.browser()
  await upToCallback(app, withLogin)
  for (const browser of [stranger, withLogin]) {
    const response = await browser.navigate(app.url(`/callback?code=A&state=${'x'.repeat(43)}`))
    t.equal(response.status, 400)
  }
  t.same(store.calls, [])
  t.equal(app.calls('token'), 0)
})

t.test('A state under a cookie that does not open costs no call to the store.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { store } })
  const callback = new URL(await upToCallback(app, app.browser()))
  const stranger = app.browser()
  const name = `le-auth.login.${callback.searchParams.get('state')}`
  await stranger.jar.setCookie(`${name}=made.up; Path=/`, app.origin)
  t.equal((await stranger.navigate(callback.href)).status, 400)
  t.same(store.calls, [])
})

t.test(
  'A callback that is opened again after a logout, at another process, says that the login may ' +
    'be complete already.',
  async t => {
    const { one, other, toOther } = await twoApps(t)
    const browser = one.browser()
    const callback = new URL(await upToCallback(one, browser))
    await browser.navigate(callback.href)
    await browser.submit(one.url('/logout'), {})
    const again = await (await toOther(browser)).navigate(other.url(`/callback${callback.search}`))
    t.equal(errorCode(again), 'LE_AUTH_CALLBACK_INVALID (no_transaction)')
    t.match(again.text, /the login may be complete already/)
  }
)

t.test('Another process redirects a user whose callback is opened again.', async t => {
  const { one, other, toOther } = await twoApps(t)
  const browser = one.browser()
  const callback = new URL(await upToCallback(one, browser, '/page/there'))
  await browser.navigate(callback.href)
  const again = await (await toOther(browser)).step(other.url(`/callback${callback.search}`))
  t.equal(`${again.status} ${again.location}`, '303 /page/there')
  t.equal((await logIn(one, browser)).status, 200)
})
