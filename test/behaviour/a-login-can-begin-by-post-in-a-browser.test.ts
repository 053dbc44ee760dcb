import t from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.js'
import { startApp } from '../support/app.js'
import { launchChromium } from '../support/chromium.js'
import { freePort } from '../support/ports.js'

for (const javaScriptEnabled of [true, false]) {
  t.test(javaScriptEnabled ? 'the form posts itself' : 'without JavaScript there is a button', async t => {
    const browser = await launchChromium(t)
    if (browser === null) return
    const port = await freePort()
    const app = await startApp(t, { origin: `http://127.0.0.1:${port}`, port, options: { authorizationMethod: 'POST' } })
    const page = await (await browser.newContext({ javaScriptEnabled })).newPage()
    const complaints: string[] = []
    page.on('console', message => { if (message.text().includes('Content Security Policy')) complaints.push(message.text()) })

    await page.goto(app.url('/page/here'))
    if (!javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByLabel('User name').fill(EMULATOR_DEFAULTS.loginNames.agent)
    await page.getByLabel('Password').fill(EMULATOR_DEFAULTS.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(app.url('/page/here'))
    t.match(await page.textContent('body'), 'page /page/here')
    t.same(complaints, [], 'nothing that the content security policy would stop')
    t.equal(app.sentinel.requests.find(request => request.endpoint === 'authorize')?.method, 'POST')
  })
}
