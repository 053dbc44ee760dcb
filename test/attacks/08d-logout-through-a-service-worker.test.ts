import type { Page } from 'playwright-core'
import { attack, type AttackSetting, type Stage } from '../support/attack/attack.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { AGENT } from '../support/login.ts'
import { freePort, startServer } from '../support/servers.ts'
import { serveWorker, startWorker, type WorkerKind } from '../support/service-workers.ts'

/** What the server is told of the form of another site, if its request goes through the worker. */
const TOLD: Record<WorkerKind, string> = {
  'passes requests on': 'cross-site navigate, without the login',
  'adds a header to requests': 'same-origin same-origin, with the login',
  'preloads pages': 'cross-site navigate, without the login'
}

const logoutForm = (action: string): string =>
  `<form method="post" action="${action}"><button name="revoke" value="true">Go</button></form>`

for (const kind of Object.keys(TOLD) as WorkerKind[]) {
  const port = await freePort()
  const told: string[] = []
  const setting: AttackSetting = {
    origin: `http://localhost:${port}`,
    port,
    after: app => {
      serveWorker(app, kind)
      app.get('/form', async (_request, reply) =>
        reply.type('text/html').send(logoutForm('/logout'))
      )
      app.addHook('onRequest', async ({ method, headers, cookies }) => {
        const login = cookies['le-auth'] === undefined ? 'without' : 'with'
        const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers
        if (method === 'POST') told.push(`${site} ${mode}, ${login} the login`)
      })
    }
  }

  attack(
    'OS5',
    `no form of another site logs a user out if a service worker of the app ${kind}`,
    'Fetch §5.4, W3C Fetch Metadata',
    async (t, stage) => {
      const browser = await launchChromium(t)
      if (browser === null) return
      const page = await browser.newPage()
      await logInThroughWorker(stage, page)

      const other = await startServer(t, (_request, response) => {
        response.setHeader('content-type', 'text/html')
        response.end(logoutForm(stage.url('/logout')))
      })
      await page.goto(other.url)
      told.length = 0
      await page.getByRole('button', { name: 'Go' }).click()
      await page.getByText('LE_AUTH_LOGOUT_CROSS_SITE').waitFor()
      t.same(told, [TOLD[kind]])
      t.equal(await me(page, stage), AGENT.id, 'still logged in')
      t.equal(stage.calls('revoke'), 0)
    },
    setting
  )

  attack(
    'OS5',
    `the app’s own form logs out, at the latest at the second click, if a service worker ${kind}`,
    'Fetch §5.4, W3C Fetch Metadata',
    async (t, stage) => {
      const browser = await launchChromium(t)
      if (browser === null) return
      const page = await browser.newPage()
      await logInThroughWorker(stage, page)

      await page.goto(stage.url('/form'))
      await page.getByRole('button', { name: 'Go' }).click()
      if (kind === 'adds a header to requests') {
        await page.getByRole('button', { name: 'Log out' }).click()
      }
      await page.waitForURL(stage.url('/'))
      t.equal(await me(page, stage), null)
    },
    setting
  )
}

async function logInThroughWorker(stage: Stage, page: Page): Promise<void> {
  await startWorker(page, stage.url('/'))
  await page.goto(stage.url('/login'))
  await signInOn(page, AGENT.loginName)
  await page.waitForURL(stage.url('/'))
}

/** Who is logged in with the cookies of the page’s browser. */
async function me(page: Page, stage: Stage): Promise<string | null> {
  const response = await page.request.get(stage.url('/me'))
  return response.status() === 200 ? (await response.json()).id : null
}
