import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import type { PageResponse, Browser } from '../support/browser.ts'
import { isAnonymous } from '../support/checks.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { cookieOf } from '../support/cookies.ts'
import { ADMIN, AGENT, enter, logIn, logOut, upToCallback } from '../support/login.ts'
import { freePort, startServer } from '../support/servers.ts'

const SOURCE = 'found by attacking the version of 27 November 2026'
const SITES = ['cross-site', 'same-site']
const MARK = 'le-auth.logged-out'

/** Opens a page as a link, a script or a redirect of another site does. */
function fromElsewhere({ url }: TestApp, browser: Browser, path: string, site: string) {
  return browser.step(url(path), { headers: { 'sec-fetch-site': site } })
}

/** A route that writes to the session, one that reads it, and a page with a button to log out. */
function after(app: FastifyInstance): void {
  app.get('/fill', async ({ session }) => Object.assign(session, { cart: 'a book' }).cart)
  app.get('/cart', async ({ session }) => (session as { cart?: string }).cart ?? 'no cart')
  app.get('/leave', async (_request, reply) =>
    reply.type('text/html').send('<form method="post" action="/logout"><button>Log out</button>')
  )
}

attack(
  'OS1',
  'another site replaces no login that lives',
  SOURCE,
  async (t, stage) => {
    const browser = stage.browser()
    await logIn(stage, browser, AGENT)
    await browser.step(stage.url('/fill'))
    // Sentinel now has a session of another user in this browser.
    await upToCallback(stage, browser, '/login', ADMIN)
    const cookie = await cookieOf(stage, browser, 'le-auth')
    const begun = stage.calls('authorize')
    for (const site of SITES) {
      const paths = [
        ['/login?returnTo=/page/x', '/page/x'],
        ['/login', '/'],
        ['/login?returnTo=https://evil.example/', '/']
      ] as const
      for (const [path, expected] of paths) {
        const response = await fromElsewhere(stage, browser, path, site)
        t.equal(`${response.status} ${response.location}`, `303 ${expected}`, `${site} ${path}`)
        t.same(response.setCookies, [])
      }
    }
    t.equal(stage.calls('authorize'), begun, 'no login has begun')
    t.equal(await cookieOf(stage, browser, 'le-auth'), cookie)
    t.equal(await stage.me(browser), AGENT.id)
    t.equal((await browser.script(stage.url('/cart'))).text, 'a book')
    t.match((await browser.step(stage.url('/login'))).location, '/authorize', 'a user may do it')
  },
  { after }
)

attack(
  'OS2',
  'another site logs nobody in again after a logout',
  SOURCE,
  async (t, stage) => {
    const browser = stage.browser()
    const logOuts: Array<() => Promise<PageResponse>> = [
      () => logOut(stage, browser),
      () => logOut(stage, browser, { revoke: 'true' }),
      () => browser.script(stage.url('/goodbye'), { method: 'POST' })
    ]
    for (const leave of logOuts) {
      await logIn(stage, browser)
      t.notOk(await cookieOf(stage, browser, MARK), 'a login clears the mark')
      t.ok((await leave()).status < 400)
      const begun = stage.calls('authorize')
      for (const site of SITES) {
        const page = await fromElsewhere(stage, browser, '/login?returnTo=/page/x', site)
        t.equal(page.status, 200)
        t.match(page.text, 'You have logged out')
        t.match(page.text, 'href="/login?returnTo=%2Fpage%2Fx"')
        t.same(page.setCookies, [])
      }
      t.equal(stage.calls('authorize'), begun, 'no login has begun')
      await isAnonymous(t, stage, browser)
    }
  },
  {
    after: app => {
      app.post('/goodbye', { onRequest: app.requireAuth }, async ({ leAuth }) => leAuth!.logout())
    }
  }
)

t.test('Another site may start a login if the user has not logged out.', async t => {
  const clock = new Clock()
  const app = await startApp(t, { options: { now: clock.now }, emulator: { now: clock.now } })
  const browser = app.browser()
  const begins = async (who: Browser): Promise<void> => {
    const start = await fromElsewhere(app, who, '/login', 'cross-site')
    t.match(start.location, '/authorize')
  }
  await begins(app.browser())
  await enter(app, browser)
  clock.advance(HOUR + MINUTE)
  await begins(browser)
})

t.test('A logout of nobody, or of a login that has ended, sets the mark too.', async t => {
  const clock = new Clock()
  const app = await startApp(t, { options: { now: clock.now }, emulator: { now: clock.now } })
  const [stranger, late] = [app.browser(), app.browser()]
  await enter(app, late)
  clock.advance(2 * HOUR)
  for (const browser of [stranger, late]) {
    await logOut(app, browser)
    t.same(await browser.cookieNames(app.url('/')), [MARK])
  }
})

t.test('An image of another site gets no answer about the login.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const response = await browser.step(app.url('/login'), {
    headers: {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'image'
    }
  })
  t.equal(response.status, 400)
})

/** The app, a user of it in Chromium, and the addresses of two other sites that open its login. */
async function inChromium(t: Test): Promise<{ app: TestApp; page: Page; sites: string[] } | null> {
  const browser = await launchChromium(t)
  if (browser === null) return null
  const port = await freePort()
  const app = await startApp(t, { origin: `http://127.0.0.1:${port}`, port, after })
  const { url } = await startServer(t, (request, response) => {
    const target = app.url(decodeURIComponent(request.url.slice(2)))
    response.end(`<!doctype html><script>location = ${JSON.stringify(target)}</script>`)
  })
  const page = await (await browser.newContext()).newPage()
  await page.goto(app.url('/page/x'))
  await signInOn(page, AGENT.loginName)
  await page.waitForURL(app.url('/page/x'))
  // The other port of the same host is the same site, but not the same origin.
  return { app, page, sites: [url.replace('127.0.0.1', 'localhost'), url] }
}

t.test('OS1 In Chromium, another site replaces no login that lives.', async t => {
  const set = await inChromium(t)
  if (set === null) return
  const { app, page, sites } = set
  await page.goto(app.url('/fill'))
  const cookies = async (): Promise<string> =>
    JSON.stringify((await page.context().cookies()).filter(({ name }) => /^le-auth/.test(name)))
  const before = await cookies()
  for (const site of sites) {
    await page.goto(`${site}/?${encodeURIComponent('/login?returnTo=/page/y')}`)
    await page.waitForURL(app.url('/page/y'))
  }
  t.equal(await cookies(), before, 'the same login, and nothing more')
  t.equal(app.calls('authorize'), 1)
  await page.goto(app.url('/cart'))
  t.equal(await page.textContent('body'), 'a book')
})

t.test('OS2 In Chromium, a click is needed to log in again after a logout.', async t => {
  const set = await inChromium(t)
  if (set === null) return
  const { app, page, sites } = set
  for (const site of sites) {
    for (const path of ['/login?returnTo=/page/y', '/page/y']) {
      const begun = app.calls('authorize')
      await page.goto(app.url('/leave'))
      await page.getByRole('button').click()
      await page.waitForURL(app.url('/'))
      await page.goto(`${site}/?${encodeURIComponent(path)}`)
      await page.getByRole('heading', { name: 'You have logged out' }).waitFor()
      t.equal(app.calls('authorize'), begun, 'no login has begun')
      await page.getByRole('link', { name: 'Log in' }).click()
      await page.waitForURL(app.url('/page/y'))
      t.match(await page.textContent('body'), 'page /page/y', 'the click logs in')
    }
  }
})
