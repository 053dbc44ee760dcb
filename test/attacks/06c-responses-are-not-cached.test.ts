import { attack, type Stage } from '../support/attack/attack.ts'
import type { PageResponse, Browser } from '../support/browser.ts'
import { Clock, SECOND } from '../support/clock.ts'
import { AGENT, logIn, logOut, pendingCallback } from '../support/login.ts'

type Step = (stage: Stage, browser: Browser) => Promise<PageResponse>
const whileDown =
  (step: Step): Step =>
  async (stage, browser) => {
    await logIn(stage, browser)
    stage.store.trouble = () => 'error'
    const response = await step(stage, browser)
    stage.store.trouble = () => undefined
    return response
  }

const UNCACHED: Array<[what: string, status: number, step: Step]> = [
  [
    'GET /login that fails',
    502,
    async (stage, browser) => {
      stage.sentinel.next('domain', { status: 404 })
      return browser.step(stage.url('/login'))
    }
  ],
  ['GET /login', 302, (stage, browser) => browser.step(stage.url('/login'))],
  ['GET /login from a script', 400, (stage, browser) => browser.script(stage.url('/login'))],
  [
    'GET /callback',
    303,
    async (stage, browser) => browser.step((await pendingCallback(stage, browser)).url)
  ],
  ['GET /callback that fails', 400, (stage, browser) => stage.callback(browser, 'code=A&state=x')],
  [
    'GET /callback that fails for a script',
    400,
    (stage, browser) => browser.script(stage.url('/callback?code=A&state=x'))
  ],
  ['GET /callback/', 404, (stage, browser) => browser.step(stage.url('/callback/?code=A&state=x'))],
  [
    'POST /callback',
    405,
    (stage, browser) => browser.step(stage.url('/callback'), { method: 'POST', form: {} })
  ],
  [
    'POST /logout',
    303,
    async (stage, browser) => {
      await logIn(stage, browser)
      return logOut(stage, browser)
    }
  ],
  ['POST /logout without a login', 303, (stage, browser) => logOut(stage, browser)],
  [
    'POST /logout from another site',
    403,
    (stage, browser) =>
      browser.step(stage.url('/logout'), {
        method: 'POST',
        form: {},
        from: 'https://evil.example/'
      })
  ],
  ['a protected page', 302, (stage, browser) => browser.step(stage.url('/page/a'))],
  ['a protected response for a script', 401, (stage, browser) => browser.script(stage.url('/me'))],
  [
    'GET /login while the store is down',
    503,
    whileDown((stage, browser) => browser.step(stage.url('/login')))
  ],
  [
    'GET /callback while the store is down',
    503,
    whileDown((stage, browser) => stage.callback(browser, 'code=A&state=x'))
  ],
  [
    'POST /logout while the store is down',
    503,
    whileDown((stage, browser) => logOut(stage, browser))
  ]
]

// A failed look-up is remembered for some seconds, so the clock moves on after each step.
const clock = new Clock()

attack(
  'TL5',
  'no cache stores a response about a login',
  'CVE-2025-48947, CVE-2025-64762, RFC 9111 §5.2.2.5',
  async (t, stage) => {
    for (const [what, status, step] of UNCACHED) {
      const response = await step(stage, stage.browser())
      clock.advance(6 * SECOND)
      t.equal(response.status, status, what)
      t.match(response.headers['cache-control'], /(^|, )no-store$/, what)
    }
  },
  { options: { now: clock.now } }
)

attack(
  'TL5',
  'GET /logout does nothing that a cache could store',
  'CVE-2025-48947',
  async (t, stage) => {
    const browser = stage.browser()
    await logIn(stage, browser)
    const response = await browser.step(stage.url('/logout'))
    t.equal(response.status, 405)
    t.equal(response.headers['cache-control'], 'no-store')
    t.same(response.setCookies, [])
    t.equal(await stage.me(browser), AGENT.id)
  }
)

attack(
  'TL6',
  'no shared cache stores a guarded page of a user',
  'CVE-2025-64762, RFC 9111 §3',
  async (t, stage) => {
    const browser = stage.browser()
    await logIn(stage, browser)
    for (const path of ['/me', '/page/a', '/token', '/fails']) {
      t.equal(
        (await browser.script(stage.url(path))).headers['cache-control'],
        'private, no-store',
        path
      )
    }
    t.equal(
      (await browser.script(stage.url('/own'))).headers['cache-control'],
      'private, max-age=60',
      'the app may set another value'
    )
  },
  {
    after: app => {
      app.get('/own', { onRequest: app.requireAuth }, async (_request, reply) =>
        reply.header('cache-control', 'private, max-age=60').send('own')
      )
      app.get('/fails', { onRequest: app.requireAuth }, async () => {
        throw new Error('a mistake')
      })
    }
  }
)
