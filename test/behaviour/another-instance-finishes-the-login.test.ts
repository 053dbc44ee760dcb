import t from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.js'
import { MemoryStore } from '../../lib/store/memory-store.js'
import { AGENT, errorCode, startApp, upToCallback, type Setting } from '../support/app.js'

t.test('A login begun before a restart can be finished after it.', async t => {
  const first = await startApp(t)
  const browser = first.browser()
  const callback = await upToCallback(first, browser, '/page/there')
  await first.app.close()
  const second = await startApp(t, { sentinel: first.sentinel })
  const after = second.browser()
  for (const cookie of await browser.jar.getCookies(first.origin)) await after.jar.setCookie(cookie, second.origin)
  t.equal((await after.navigate(callback)).text, 'page /page/there')
})

t.test('Two instances with one secret and one store are one app.', async t => {
  const store = new MemoryStore(1000, Date.now)
  const first = await startApp(t, { options: { session: { store } } })
  const second = await startApp(t, { sentinel: first.sentinel, options: { session: { store } } })
  const onFirst = first.browser()
  const callback = await upToCallback(first, onFirst, '/page/there')
  const onSecond = second.browser()
  for (const cookie of await onFirst.jar.getCookies(first.origin)) await onSecond.jar.setCookie(cookie, first.origin)

  t.equal((await onSecond.navigate(callback)).text, 'page /page/there')
  t.equal((await onSecond.script(second.url('/me'))).json().id, AGENT.id)
  const back = first.browser()
  for (const cookie of await onSecond.jar.getCookies(first.origin)) await back.jar.setCookie(cookie, first.origin)
  t.equal((await back.script(first.url('/me'))).json().id, AGENT.id, 'the login holds on both')
  t.equal((await back.step(callback)).location, '/page/there', 'a callback spent on one is spent on the other')
  t.equal(errorCode(await onFirst.navigate(callback)), 'LE_AUTH_LOGIN_FINISHED')
  t.equal(first.calls('token'), 1)
})

t.test('Another secret, client, account or redirect URI opens nothing.', async t => {
  const first = await startApp(t)
  const settings: Setting[] = [
    { options: { secret: 'another secret, of more than 32 characters' } },
    { options: { clientId: 'another-client' } },
    { options: { accountId: EMULATOR_DEFAULTS.secondAccountId } },
    { callback: '/elsewhere', options: { routes: { callback: '/callback' } } }
  ]
  for (const setting of settings) {
    const other = await startApp(t, { sentinel: first.sentinel, ...setting })
    const browser = first.browser()
    const callback = await upToCallback(first, browser)
    await browser.navigate(await upToCallback(first, browser))
    const there = other.browser()
    for (const cookie of await browser.jar.getCookies(first.origin)) await there.jar.setCookie(cookie, first.origin)
    t.equal(errorCode(await there.navigate(callback)), 'LE_AUTH_STATE_MISMATCH', JSON.stringify(setting))
    t.equal((await there.script(other.url('/me'))).status, 401)
  }
})
