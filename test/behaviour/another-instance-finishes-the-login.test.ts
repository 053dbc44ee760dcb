import t from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { MemoryStore } from '../../lib/store/memory-store.ts'
import { type Setting, startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { AGENT, upToCallback } from '../support/login.ts'

t.test('A login that begins before a restart can be finished after it.', async t => {
  const first = await startApp(t)
  const browser = first.browser()
  const callback = await upToCallback(first, browser, '/page/there')
  await first.app.close()
  const second = await startApp(t, { sentinel: first.sentinel })
  const after = second.browser()
  for (const cookie of await browser.jar.getCookies(first.origin)) {
    await after.jar.setCookie(cookie, second.origin)
  }
  t.equal((await after.navigate(callback)).text, 'page /page/there')
})

t.test('Two processes with the same secret and the same store act as one app.', async t => {
  const store = new MemoryStore(1000, Date.now)
  const first = await startApp(t, { options: { store } })
  const second = await startApp(t, { sentinel: first.sentinel, options: { store } })
  const onFirst = first.browser()
  const callback = await upToCallback(first, onFirst, '/page/there')
  const onSecond = second.browser()
  for (const cookie of await onFirst.jar.getCookies(first.origin)) {
    await onSecond.jar.setCookie(cookie, first.origin)
  }

  t.equal((await onSecond.navigate(callback)).text, 'page /page/there')
  t.equal((await onSecond.script(second.url('/me'))).json().id, AGENT.id)
  const back = first.browser()
  for (const cookie of await onSecond.jar.getCookies(first.origin)) {
    await back.jar.setCookie(cookie, first.origin)
  }
  t.equal(
    (await back.script(first.url('/me'))).json().id,
    AGENT.id,
    'both processes know the login'
  )
  t.equal(
    (await back.step(callback)).location,
    '/page/there',
    'a callback used in one process is used in the other'
  )
  t.equal(errorCode(await onFirst.navigate(callback)), 'LE_AUTH_CALLBACK_INVALID (login_ended)')
  t.equal(first.calls('token'), 1)
})

t.test(
  'An app with another secret, client, account or redirect URI accepts neither the login ' +
    'nor a callback.',
  async t => {
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
      for (const cookie of await browser.jar.getCookies(first.origin)) {
        await there.jar.setCookie(cookie, first.origin)
      }
      t.equal(
        errorCode(await there.navigate(callback)),
        'LE_AUTH_CALLBACK_INVALID (state_mismatch)',
        JSON.stringify(setting)
      )
      t.equal((await there.script(other.url('/me'))).status, 401)
    }
  }
)
