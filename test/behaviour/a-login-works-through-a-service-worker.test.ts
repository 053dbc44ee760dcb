import t from 'tap'
import { startApp } from '../support/app.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { AGENT } from '../support/login.ts'
import { freePort } from '../support/servers.ts'
import { serveWorker, startWorker, type WorkerKind } from '../support/service-workers.ts'

/** The modes and destinations that Chromium sends then, for the page and for the callback. */
const SENT: Record<WorkerKind, string> = {
  'passes requests on': 'navigate empty',
  'adds a header to requests': 'same-origin empty',
  'preloads pages': 'navigate document'
}

for (const kind of Object.keys(SENT) as WorkerKind[]) {
  t.test(`A protected page leads to the login and back if a service worker ${kind}.`, async t => {
    const browser = await launchChromium(t)
    if (browser === null) return
    const port = await freePort()
    const sent = new Set<string>()
    const app = await startApp(t, {
      origin: `http://localhost:${port}`,
      port,
      after: app => {
        serveWorker(app, kind)
        app.addHook('onRequest', async ({ headers, url }) => {
          const [mode, destination] = [headers['sec-fetch-mode'], headers['sec-fetch-dest']]
          if (/^\/(page|login|callback)/.test(url)) sent.add(`${mode} ${destination}`)
        })
      }
    })
    const page = await browser.newPage()
    await startWorker(page, app.url('/'))

    await page.goto(app.url('/page/here?a=b'))
    await signInOn(page, AGENT.loginName)
    await page.waitForURL(app.url('/page/here?a=b'))
    t.match(await page.textContent('body'), 'page /page/here?a=b')
    t.same([...sent], [SENT[kind]], 'all its requests came through the worker')
  })
}
