import t from 'tap'
import { startApp } from '../support/app.ts'
import { AGENT, upToCallback } from '../support/login.ts'

t.test('Two logins in two tabs finish in either order, each at its own page.', async t => {
  for (const order of [
    [0, 1],
    [1, 0]
  ]) {
    const app = await startApp(t)
    const browser = app.browser()
    const callbacks = [
      await upToCallback(app, browser, '/page/first'),
      await upToCallback(app, browser, '/page/second')
    ]
    const responses = [
      await browser.navigate(callbacks[order[0]!]!),
      await browser.navigate(callbacks[order[1]!]!)
    ]
    t.same(
      responses.map(response => response.text),
      order.map(index => ['page /page/first', 'page /page/second'][index])
    )
    t.equal(app.calls('token'), 2)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  }
})

t.test('A browser keeps at most five pending logins, and the newest always works.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  for (let i = 0; i < 30; i += 1) {
    await browser.step(app.url(`/login?returnTo=/page/${i}`))
    const pending = (await browser.cookieNames(app.origin)).filter(name =>
      name.startsWith('le-auth.login.')
    )
    t.ok(pending.length <= 5, `${pending.length} pending`)
  }
  t.equal(
    (await browser.navigate(await upToCallback(app, browser, '/page/last'))).text,
    'page /page/last'
  )
})

t.test(
  'Long return paths are dropped sooner, so that the Cookie header stays under 4 KB.',
  async t => {
    const app = await startApp(t)
    const browser = app.browser()
    for (let i = 0; i < 10; i += 1) {
      await browser.step(app.url(`/login?returnTo=/page/${i}${'x'.repeat(1000)}`))
      const header = await browser.jar.getCookieString(app.origin)
      t.ok(header.length < 4096, `${header.length} characters`)
    }
  }
)

t.test('The callback of a pending login that newer ones have replaced says so.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const oldest = await upToCallback(app, browser)
  for (let i = 0; i < 5; i += 1) await browser.step(app.url('/login'))
  const response = await browser.navigate(oldest)
  t.equal(response.status, 400)
  t.match(response.text, 'LE_AUTH_CALLBACK_INVALID (state_mismatch)')
  t.match(response.text, /no longer in progress in this browser/)
  t.equal(app.calls('token'), 0)
})

t.test('A cookie that only looks like a pending login is left alone.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const names = Array.from({ length: 8 }, (_, index) => `le-auth.login.${index}!x`)
  const headers = { accept: 'text/html', cookie: names.map(name => `${name}=1`).join('; ') }
  const response = await browser.send(app.url('/login'), { headers })
  t.equal(response.status, 302)
  t.equal(response.setCookies.length, 1)
})
