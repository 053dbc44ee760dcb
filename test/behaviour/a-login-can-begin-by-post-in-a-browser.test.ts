import t from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { startApp } from '../support/app.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { freePort } from '../support/servers.ts'

for (const javaScriptEnabled of [true, false]) {
  const title = javaScriptEnabled
    ? 'The login form submits itself.'
    : 'The login form has a button if JavaScript is off.'

  t.test(title, async t => {
    const browser = await launchChromium(t)
    if (browser === null) return
    const port = await freePort()
    const app = await startApp(t, {
      origin: `http://127.0.0.1:${port}`,
      port,
      options: { authorizationMethod: 'POST' }
    })
    const page = await (await browser.newContext({ javaScriptEnabled })).newPage()
    const complaints: string[] = []
    page.on('console', message => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text())
    })

    await page.goto(app.url('/page/here'))
    if (!javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click()
    await signInOn(page, EMULATOR_DEFAULTS.loginNames.agent)
    await page.waitForURL(app.url('/page/here'))
    t.match(await page.textContent('body'), 'page /page/here')
    t.same(complaints, [], 'the content security policy blocks nothing')
    t.equal(app.sentinel.requests.find(request => request.endpoint === 'authorize')?.method, 'POST')
  })
}
