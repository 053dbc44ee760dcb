import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import type { Timers } from '../../lib/clock.ts'
import type { Fault } from '../../lib/emulator/index.ts'
import { type Setting, startApp, type TestApp } from '../support/app.ts'
import { errorCode, isAnonymous } from '../support/checks.ts'
import { Clock, MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.ts'
import { logIn } from '../support/login.ts'
import { freePort } from '../support/servers.ts'

const DOWN: Fault = { status: 503, body: 'down' }

async function appAt(t: Test, clock: Clock, setting: Setting = {}): Promise<TestApp> {
  return startApp(t, {
    emulator: { now: clock.now },
    ...setting,
    options: { now: clock.now, httpTimeout: SHORT_DEADLINE, ...setting.options }
  })
}

/** Begins a login in a new browser. Returns the origin that it redirects to, or its error. */
async function begin(app: TestApp): Promise<string> {
  const response = await app.browser().step(app.url('/login'))
  return response.location === undefined
    ? `${response.status} ${errorCode(response)}`
    : new URL(response.location).origin
}

t.test('Fifty simultaneous logins cause one Domain API look-up.', async t => {
  const app = await appAt(t, new Clock())
  app.sentinel.next('domain', { delayMs: 100 })
  const responses = await Promise.all(Array.from({ length: 50 }, () => begin(app)))
  t.same([...new Set(responses)], [app.sentinel.url])
  t.equal(app.calls('domain'), 1)
})

t.test('Fifty simultaneous logins cause one Domain API look-up even if it fails.', async t => {
  const app = await appAt(t, new Clock())
  app.sentinel.always('domain', { hang: true })
  const responses = await Promise.all(Array.from({ length: 50 }, () => begin(app)))
  t.same([...new Set(responses)], ['503 LE_AUTH_DOMAIN_API_UNAVAILABLE'])
  t.equal(app.calls('domain'), 1)
})

t.test('A Domain API response is used for ten minutes and then requested again.', async t => {
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

t.test('A new Domain API response replaces the old one.', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  await begin(app)
  app.sentinel.always('domain', {
    change: response => ({ ...response, baseURI: 'lo.sentinel.liveperson.net' })
  })
  clock.advance(11 * MINUTE)
  t.equal(await begin(app), 'https://lo.sentinel.liveperson.net')
})

const faults: Array<[what: string, fault: Fault]> = [
  ['is down', DOWN],
  ['is silent', { hang: true }],
  ['breaks off', { cutOff: 'mid-body' }],
  ['sends HTML', { status: 200, body: '<p>', headers: { 'content-type': 'text/html' } }],
  ['names no host', { change: () => ({ baseURIs: [] }) }],
  ['names a foreign host', { change: response => ({ ...response, baseURI: 'evil.example' }) }]
]

t.test(
  'The last good response of a failing Domain API is used, and a new one as soon as it ' +
    'recovers.',
  async t => {
    for (const [what, fault] of faults) {
      const clock = new Clock()
      const app = await appAt(t, clock)
      t.equal(await begin(app), app.sentinel.url)
      app.sentinel.always('domain', fault)
      for (let hour = 0; hour < 3; hour += 1) {
        clock.advance(60 * MINUTE)
        t.equal(await begin(app), app.sentinel.url, `${what}: hour ${hour}`)
      }
      t.equal(app.calls('domain'), 4, 'a request was sent each time')
      app.sentinel.always('domain', {
        change: response => ({ ...response, baseURI: 'lo.sentinel.liveperson.net' })
      })
      clock.advance(MINUTE)
      t.equal(await begin(app), 'https://lo.sentinel.liveperson.net', `${what}: recovered`)
    }
  }
)

t.test('A failing Domain API does not get a request from every login.', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  await begin(app)
  app.sentinel.always('domain', DOWN)
  clock.advance(11 * MINUTE)
  for (let i = 0; i < 10; i += 1) await begin(app)
  t.equal(app.calls('domain'), 2)
})

t.test(
  'A login that begins before the Domain API fails can be finished while it fails.',
  async t => {
    const clock = new Clock()
    const app = await appAt(t, clock)
    const browser = app.browser()
    const page = await browser.navigate(app.url('/login?returnTo=/me'))
    app.sentinel.always('domain', { hang: true })
    clock.advance(9 * MINUTE)
    const action = /<form method="post" action="([^"]+)"/
      .exec(page.text)![1]!
      .replaceAll('&amp;', '&')
    const response = await browser.submit(new URL(action, page.url).href, {
      username: 'maya.osei',
      password: 'liveperson',
      action: 'sign-in'
    })
    t.equal(response.status, 200)
    t.equal((await browser.script(app.url('/me'))).status, 200)
  }
)

t.test(
  'If the Domain API is down at the first login, a page says so, the rest of the app works, ' +
    'and a later login works.',
  async t => {
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
    t.match(app.events(), [
      { event: 'login_failed', code: 'LE_AUTH_DOMAIN_API_UNAVAILABLE', reason: 'http_503' }
    ])
    t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
    await isAnonymous(t, app, browser)

    const program = await browser.send(app.url('/login'), { headers: { accept: '*/*' } })
    t.equal(
      `${program.status} ${program.json().code}`,
      '503 LE_AUTH_DOMAIN_API_UNAVAILABLE',
      'a program gets the error itself'
    )
    t.equal(app.calls('domain'), 1, 'a failure is remembered')

    app.sentinel.always('domain', null)
    clock.advance(2 * SECOND)
    t.equal(
      await begin(app),
      '503 LE_AUTH_DOMAIN_API_UNAVAILABLE',
      'the failure is remembered for some seconds'
    )
    clock.advance(4 * SECOND)
    t.equal(
      (await logIn(app, browser, undefined, '/page/one')).text,
      'page /page/one',
      'a few seconds later the login works'
    )
    t.equal(app.calls('domain'), 2)
  }
)

t.test(
  'The Domain API gets no request at start-up, so its outage cannot stop an app from ' +
    'starting.',
  async t => {
    const app = await appAt(t, new Clock())
    await app.app.ready()
    t.equal(app.calls('domain'), 0)
  }
)

t.test('A failed look-up of one service does not affect the others.', async t => {
  const clock = new Clock()
  const app = await appAt(t, clock)
  const browser = app.browser()
  await logIn(app, browser)
  app.sentinel.next('domain', DOWN)
  const users = await browser.script(app.url('/users'))
  t.equal(`${users.status} ${users.json().code}`, '503 LE_AUTH_DOMAIN_API_UNAVAILABLE')
  t.equal(await begin(app), app.sentinel.url)
  t.equal(
    (await browser.script(app.url('/me'))).status,
    200,
    'the outage does not log the user out'
  )
  clock.advance(6 * SECOND)
  t.equal((await browser.script(app.url('/users'))).status, 200)
})

/** Between the two attempts to connect, in ms. */
const PAUSE = 100

t.test(
  'A connection to the Domain API that could not be made is retried once, so that a restart ' +
    'is not noticed.',
  async t => {
    const port = await freePort()
    let restarts = 0
    const restarted = createServer((_request, response) => response.end(body))
    t.teardown(() => restarted.close())
    // The server is back by the end of the pause before the second attempt.
    const timers: Timers = {
      setTimeout: (callback, ms) => {
        if (ms !== PAUSE) return setTimeout(callback, ms)
        restarts += 1
        return restarted.listen(port, '127.0.0.1', callback)
      },
      clearTimeout
    }
    const domainApi = `http://127.0.0.1:${port}`
    const app = await startApp(t, { options: { domainApi, timers } })
    const { host: baseURI } = app.sentinel
    const body = JSON.stringify({ service: 'sentinel', account: '12345678', baseURI })
    t.equal((await app.browser().step(app.url('/login'))).status, 302)
    t.equal(restarts, 1)
  }
)
