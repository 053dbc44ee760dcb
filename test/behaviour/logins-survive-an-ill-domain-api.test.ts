import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import type { Fault } from '../../lib/emulator/index.js'
import { freePort } from '../support/ports.js'
import { isAnonymous } from '../support/anonymous.js'
import { errorCode, logIn, startApp, type Setting, type TestApp } from '../support/app.js'
import { Clock, MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.js'

const DOWN: Fault = { status: 503, body: 'down' }

async function appAt (t: Test, clock: Clock, setting: Setting = {}): Promise<TestApp> {
  return startApp(t, { emulator: { now: clock.now }, ...setting, options: { now: clock.now, httpTimeout: SHORT_DEADLINE, ...setting.options } })
}

/** A login that begins in a browser of its own: where it leads, or how it fails. */
async function begin (app: TestApp): Promise<string> {
  const answer = await app.browser().step(app.url('/login'))
  return answer.location === undefined ? `${answer.status} ${errorCode(answer)}` : new URL(answer.location).origin
}

t.test('fifty logins at once make one look-up', async t => {
  const app = await appAt(t, new Clock())
  app.sentinel.next('domain', { delayMs: 100 })
  const answers = await Promise.all(Array.from({ length: 50 }, () => begin(app)))
  t.same([...new Set(answers)], [app.sentinel.url])
  t.equal(app.calls('domain'), 1)
})

t.test('fifty logins at once make one look-up also when it fails', async t => {
  const app = await appAt(t, new Clock())
  app.sentinel.always('domain', { hang: true })
  const answers = await Promise.all(Array.from({ length: 50 }, () => begin(app)))
  t.same([...new Set(answers)], ['503 LE_AUTH_DOMAIN_API_UNAVAILABLE'])
  t.equal(app.calls('domain'), 1)
})

t.test('an answer is used for ten minutes, and asked for again after that', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  await begin(app)
  clock.advance(10 * MINUTE - 5 * SECOND)
  await begin(app)
  t.equal(app.calls('domain'), 1)
  clock.advance(10 * SECOND)
  await begin(app)
  t.equal(app.calls('domain'), 2)
})

t.test('a new answer takes the place of the old one', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  await begin(app)
  app.sentinel.always('domain', { change: answer => ({ ...answer, baseURI: 'lo.sentinel.liveperson.net' }) })
  clock.advance(11 * MINUTE)
  t.equal(await begin(app), 'https://lo.sentinel.liveperson.net')
})

const illnesses: Array<[what: string, fault: Fault]> = [
  ['is down', DOWN],
  ['is silent', { hang: true }],
  ['breaks off', { cutOff: 'mid-body' }],
  ['answers HTML', { status: 200, body: '<p>', headers: { 'content-type': 'text/html' } }],
  ['names nobody', { change: () => ({ baseURIs: [] }) }],
  ['names a foreign host', { change: answer => ({ ...answer, baseURI: 'evil.example' }) }]
]

t.test('while it is ill, the last good answer is used, and a new one as soon as it is well', async t => {
  for (const [what, fault] of illnesses) {
    const clock = new Clock()
    const app = await appAt(t, clock)
    t.equal(await begin(app), app.sentinel.url)
    app.sentinel.always('domain', fault)
    for (let hour = 0; hour < 3; hour += 1) {
      clock.advance(60 * MINUTE)
      t.equal(await begin(app), app.sentinel.url, `${what}: hour ${hour}`)
    }
    t.equal(app.calls('domain'), 4, 'it was asked each time')
    app.sentinel.always('domain', { change: answer => ({ ...answer, baseURI: 'lo.sentinel.liveperson.net' }) })
    clock.advance(MINUTE)
    t.equal(await begin(app), 'https://lo.sentinel.liveperson.net', `${what}: recovered`)
  }
})

t.test('while it is ill, it is not asked by every login', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  await begin(app)
  app.sentinel.always('domain', DOWN)
  clock.advance(11 * MINUTE)
  for (let i = 0; i < 10; i += 1) await begin(app)
  t.equal(app.calls('domain'), 2)
})

t.test('a login that began while it was well ends while it is ill', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  const browser = app.browser()
  const page = await browser.navigate(app.url('/login?returnTo=/me'))
  app.sentinel.always('domain', { hang: true })
  clock.advance(9 * MINUTE)
  const action = /<form method="post" action="([^"]+)"/.exec(page.text)![1]!.replaceAll('&amp;', '&')
  const answer = await browser.submit(new URL(action, page.url).href, { username: 'maya.osei', password: 'liveperson', action: 'sign-in' })
  t.equal(answer.status, 200)
  t.equal((await browser.script(app.url('/me'))).status, 200)
})

t.test('down at the first login, it is a page that says so; the rest of the app works, and later the login', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  app.sentinel.always('domain', DOWN)
  const browser = app.browser()
  const page = await browser.navigate(app.url('/page/one'))
  t.equal(page.status, 503)
  t.equal(errorCode(page), 'LE_AUTH_DOMAIN_API_UNAVAILABLE')
  t.match(page.headers['content-type'], 'text/html')
  t.match(page.text, /cannot be reached at the moment\. Try again in a minute/)
  t.match(page.text, `href="/login?returnTo=${encodeURIComponent('/page/one')}"`)
  t.match(app.events(), [{ event: 'login_failed', code: 'LE_AUTH_DOMAIN_API_UNAVAILABLE', reason: 'http_503' }])
  t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
  await isAnonymous(t, app, browser)

  const script = await browser.send(app.url('/login'), { headers: { accept: 'application/json' } })
  t.equal(`${script.status} ${script.json().code}`, '503 LE_AUTH_DOMAIN_API_UNAVAILABLE', 'a program gets the error itself')
  t.equal(app.calls('domain'), 1, 'a failure is remembered')

  app.sentinel.always('domain', null)
  clock.advance(2 * SECOND)
  t.equal(await begin(app), '503 LE_AUTH_DOMAIN_API_UNAVAILABLE', 'for some seconds')
  clock.advance(4 * SECOND)
  t.equal((await logIn(app, browser, undefined, '/page/one')).text, 'page /page/one', 'and no longer')
  t.equal(app.calls('domain'), 2)
})

t.test('it is not asked when the app starts, so that it cannot stop one', async t => {
  const app = await appAt(t, new Clock())
  await app.app.ready()
  t.equal(app.calls('domain'), 0)
})

t.test('one service that cannot be found leaves the others alone', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  const browser = app.browser()
  await logIn(app, browser)
  app.sentinel.next('domain', DOWN)
  const users = await browser.script(app.url('/users'))
  t.equal(`${users.status} ${users.json().code}`, '503 LE_AUTH_DOMAIN_API_UNAVAILABLE')
  t.equal(await begin(app), app.sentinel.url)
  t.equal((await browser.script(app.url('/me'))).status, 200, 'an outage is no logout')
  clock.advance(6 * SECOND)
  t.equal((await browser.script(app.url('/users'))).status, 200)
})

t.test('a connection that was never made is tried once more, so that a restart is not noticed', async t => {
  const port = await freePort()
  const app = await startApp(t, { options: { domainApi: `http://127.0.0.1:${port}` } })
  const asking = app.browser().step(app.url('/login'))
  const body = JSON.stringify({ service: 'sentinel', account: '12345678', baseURI: app.sentinel.host })
  const restarted = createServer((_request, response) => response.end(body))
  t.teardown(() => restarted.close())
  await new Promise(resolve => setTimeout(resolve, 40))
  restarted.listen(port, '127.0.0.1')
  t.equal((await asking).status, 302)
})
