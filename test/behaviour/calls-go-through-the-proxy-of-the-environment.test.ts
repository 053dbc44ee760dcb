import t, { type Test } from 'tap'
import { startApp } from '../support/app.ts'
import { SHORT_DEADLINE } from '../support/clock.ts'
import { startForwardProxy } from '../support/forward-proxy.ts'
import { logIn } from '../support/login.ts'

const VARIABLES = ['NODE_USE_ENV_PROXY', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']
const before = Object.fromEntries(VARIABLES.map(name => [name, process.env[name]]))

/** Sets these variables for one test, and unsets the others. */
function setVariables(t: Test, variables: Record<string, string>): void {
  for (const name of VARIABLES) delete process.env[name]
  Object.assign(process.env, variables)
  t.teardown(() => {
    for (const name of VARIABLES) delete process.env[name]
    for (const [name, value] of Object.entries(before)) {
      if (value !== undefined) process.env[name] = value
    }
  })
}

t.test('With NODE_USE_ENV_PROXY=1, calls go through the proxy of HTTP_PROXY.', async t => {
  const proxy = await startForwardProxy(t)
  setVariables(t, { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url })
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  const { host } = new URL(app.sentinel.url)
  t.ok(proxy.targets().length > 0)
  t.same([...new Set(proxy.targets())], [host])
})

t.test('With NODE_USE_ENV_PROXY=1, https calls go through HTTPS_PROXY by CONNECT.', async t => {
  const proxy = await startForwardProxy(t)
  setVariables(t, { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxy.url })
  const domainApi = 'https://domain-api.invalid'
  const app = await startApp(t, { options: { domainApi, httpTimeout: SHORT_DEADLINE } })
  t.equal((await app.browser().step(app.url('/login'))).status, 503)
  t.same(proxy.targets(), ['domain-api.invalid:443'])
})

t.test('NO_PROXY names hosts that are called directly.', async t => {
  const proxy = await startForwardProxy(t)
  setVariables(t, { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' })
  const app = await startApp(t)
  await logIn(app, app.browser())
  t.same(proxy.targets(), [])
})

t.test('Without NODE_USE_ENV_PROXY=1, as in Node, HTTP_PROXY has no effect.', async t => {
  const proxy = await startForwardProxy(t)
  setVariables(t, { HTTP_PROXY: proxy.url })
  const app = await startApp(t)
  await logIn(app, app.browser())
  t.same(proxy.targets(), [])
})
