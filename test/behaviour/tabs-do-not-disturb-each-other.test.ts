import t from 'tap'
import { AGENT, startApp, upToCallback } from '../support/app.js'

t.test('two logins in two tabs finish in either order, each at its own page', async t => {
  for (const order of [[0, 1], [1, 0]]) {
    const app = await startApp(t)
    const browser = app.browser()
    const callbacks = [
      await upToCallback(app, browser, '/page/first'),
      await upToCallback(app, browser, '/page/second')
    ]
    const answers = [await browser.navigate(callbacks[order[0]!]!), await browser.navigate(callbacks[order[1]!]!)]
    t.same(answers.map(answer => answer.text), order.map(index => ['page /page/first', 'page /page/second'][index]))
    t.equal(app.calls('token'), 2)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  }
})

t.test('a browser keeps five logins at most, and the newest always works', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  for (let i = 0; i < 30; i += 1) {
    await browser.step(app.url(`/login?returnTo=/page/${i}`))
    const pending = (await browser.cookieNames(app.origin)).filter(name => name.startsWith('le-auth.login.'))
    t.ok(pending.length <= 5, `${pending.length} pending`)
  }
  t.equal((await browser.navigate(await upToCallback(app, browser, '/page/last'))).text, 'page /page/last')
})

t.test('long return paths are dropped sooner, so that the Cookie header stays under 4 KB', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  for (let i = 0; i < 10; i += 1) {
    await browser.step(app.url(`/login?returnTo=/page/${i}${'x'.repeat(1000)}`))
    const header = await browser.jar.getCookieString(app.origin)
    t.ok(header.length < 4096, `${header.length} characters`)
  }
})

t.test('the callback of a login that newer ones have replaced says so', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const oldest = await upToCallback(app, browser)
  for (let i = 0; i < 5; i += 1) await browser.step(app.url('/login'))
  const answer = await browser.navigate(oldest)
  t.equal(answer.status, 400)
  t.match(answer.text, /LE_AUTH_STATE_MISMATCH/)
  t.match(answer.text, /belongs to another login/)
  t.equal(app.calls('token'), 0)
})

t.test('a cookie that only looks like a login is left alone', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const names = Array.from({ length: 8 }, (_, index) => `le-auth.login.${index}!x`)
  const headers = { accept: 'text/html', cookie: names.map(name => `${name}=1`).join('; ') }
  const answer = await browser.send(app.url('/login'), { headers })
  t.equal(answer.status, 302)
  t.equal(answer.setCookies.length, 1)
})
