import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { attack } from '../support/attack/attack.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { AGENT } from '../support/login.ts'
import { freePort } from '../support/servers.ts'

/** How long a page may take to load on a busy machine. */
const PATIENCE = 20_000
const SCRIPT = readFileSync(
  new URL('../../example-app/public/fresh-page.js', import.meta.url),
  'utf8'
)
const port = await freePort()

const page = (body: string): string =>
  `<!doctype html><title>page</title><script>${SCRIPT}</script>${body}`

attack(
  'LO8',
  'the back button shows nothing private after a logout, on pages with the ' +
    'example app’s script',
  'HTML §7.4.6 (bfcache)',
  async (t, stage) => {
    const browser = await launchChromium(t)
    if (browser === null) return
    const tab = await browser.newPage()
    tab.setDefaultTimeout(PATIENCE)

    const privatePage = tab.waitForResponse(
      response => response.url() === stage.url('/private') && response.status() === 200
    )
    await tab.goto(stage.url('/private'))
    await signInOn(tab, AGENT.loginName)
    t.equal(await (await privatePage).headerValue('cache-control'), 'private, no-store')
    await shows(tab, `for ${AGENT.id} only`)

    await tab.getByRole('button', { name: 'Log out everywhere' }).click()
    await shows(tab, 'the landing page')
    await tab.evaluate('history.back()')
    await tab.getByRole('heading', { name: 'You have logged out' }).waitFor()
    t.notMatch(await tab.locator('body').innerText(), AGENT.id)
  },
  {
    port,
    origin: `http://localhost:${port}`,
    options: { returnTo: { afterLogout: '/landing' } },
    after: app => {
      const LOGOUT =
        '<form method="post" action="/logout"><button name="revoke" value="true">Log ' +
        'out everywhere</button></form>'
      app.get('/landing', async (_request, reply) =>
        reply.type('text/html').send(page('the landing page'))
      )
      app.get('/private', { onRequest: app.requireAuth }, async (request, reply) =>
        reply.type('text/html').send(page(`<p>for ${request.leAuth!.user.id} only</p>${LOGOUT}`))
      )
    }
  }
)

async function shows(tab: Page, text: string): Promise<void> {
  await tab.getByText(text).waitFor()
}
