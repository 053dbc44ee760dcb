import t from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { AGENT } from '../support/login.ts'
import { freePort } from '../support/servers.ts'

const RETURN = encodeURIComponent('/page/one?x=1')

t.test('A real browser that opens 127.0.0.1 is logged in on localhost.', async t => {
  const chromium = await launchChromium(t)
  if (chromium === null) return
  const port = await freePort()
  const app = await startApp(t, { origin: `http://localhost:${port}`, port })
  const page = await chromium.newPage()
  await page.goto(`${app.server}/page/one?x=1`)
  await signInOn(page, EMULATOR_DEFAULTS.loginNames.agent)
  await page.waitForURL(app.url('/page/one?x=1'))
  t.equal(await page.textContent('body'), 'page /page/one?x=1')
  t.match(await (await page.goto(app.url('/me')))!.json(), { id: AGENT.id })
})

const hosts: Array<[origin: string, host: string]> = [
  ['http://localhost:3000', '127.0.0.1:3000'],
  ['http://localhost:3000', '127.0.0.1:8080'],
  ['http://localhost:3000', '127.0.0.2:3000'],
  ['http://localhost:3000', '[::1]:3000'],
  ['http://localhost:3000', '0.0.0.0:3000'],
  ['http://localhost:3000', 'app.localhost:3000'],
  ['http://127.0.0.1:3000', 'LocalHost:3000'],
  ['http://127.0.0.1', 'localhost'],
  ['http://[::1]:3000', 'localhost:3000']
]

t.test('/login on another name of this machine goes to that of redirectUri first.', async t => {
  for (const [origin, host] of hosts) {
    const app = await startApp(t, { origin })
    const browser = app.browser()
    const path = `/login?returnTo=${RETURN}`
    const first = await browser.step(app.url(path), { headers: { host } })
    t.equal(`${first.status} ${first.location}`, `302 ${origin}${path}&redirected=yes`, host)
    t.same(first.setCookies, [], 'no login has begun')
    t.equal(app.calls('domain'), 0)
    const second = await browser.step(first.location!)
    t.equal(new URL(second.location!).origin, app.sentinel.url)
    t.equal(second.setCookies.length, 1, 'now it has begun')
  }
})

t.test('A return path that leads to another site is dropped there as well.', async t => {
  const app = await startApp(t)
  for (const evil of ['//evil.example', 'http://evil.example/', '/login']) {
    const url = app.url(`/login?returnTo=${encodeURIComponent(evil)}`)
    const { location } = await app.browser().step(url, { headers: { host: '127.0.0.1:3000' } })
    t.equal(location, app.url('/login?redirected=yes'))
  }
})

t.test('A proxy that rewrites the Host header makes no redirect loop.', async t => {
  const app = await startApp(t)
  const first = await app.browser().step(app.url('/login'), { headers: { host: '127.0.0.1:1' } })
  const second = await app.browser().step(first.location!, { headers: { host: '127.0.0.1:1' } })
  t.equal(new URL(second.location!).origin, app.sentinel.url)
  t.equal(second.setCookies.length, 1)
})

const untouched: Array<[what: string, origin: string, headers: Record<string, string>]> = [
  ['another port of the same host', 'http://localhost:3000', { host: 'localhost:5173' }],
  ['no name of this machine', 'http://localhost:3000', { host: 'evil.example' }],
  ['one that only looks like it', 'http://localhost:3000', { host: '127.0.0.1.evil.example' }],
  ['an app that is not on this machine', 'https://app.example.com', { host: '127.0.0.1:3000' }],
  ['a program', 'http://localhost:3000', { host: '127.0.0.1:3000', accept: '*/*' }]
]

for (const [what, origin, headers] of untouched) {
  t.test(`The login begins at once for a Host header that is of ${what}.`, async t => {
    const app = await startApp(t, { origin })
    const { accept = 'text/html' } = headers
    const response = await app
      .browser()
      .send(app.url('/login'), { headers: { ...headers, accept } })
    t.equal(response.status, 302)
    t.equal(new URL(response.location!).origin, app.sentinel.url)
  })
}

t.test('A script on another name of this machine gets the usual error.', async t => {
  const app = await startApp(t)
  const headers = { host: '127.0.0.1:3000' }
  const response = await app.browser().script(app.url('/login'), { headers })
  t.equal(`${response.status} ${errorCode(response)}`, '400 LE_AUTH_LOGIN_NOT_A_PAGE')
})
