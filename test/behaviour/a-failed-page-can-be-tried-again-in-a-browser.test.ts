import t from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { startApp } from '../support/app.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { freePort } from '../support/servers.ts'
import { TestStore } from '../support/stores.ts'

t.test('A user waits for the store, tries again, and is still logged in.', async t => {
  const chromium = await launchChromium(t)
  if (chromium === null) return
  const port = await freePort()
  const store = new TestStore()
  const app = await startApp(t, { origin: `http://localhost:${port}`, port, options: { store } })
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 360]
  ] as const) {
    const viewport = { width, height: 720 }
    const context = await chromium.newContext({ colorScheme, viewport })
    t.teardown(() => context.close())
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', message => {
      if (message.type() === 'error' && !message.text().includes('status of')) {
        complaints.push(message.text())
      }
    })
    await page.goto(app.url('/page/a?b=c'))
    await signInOn(page, EMULATOR_DEFAULTS.loginNames.agent)
    await page.getByText('page /page/a?b=c').waitFor()

    store.trouble = () => 'error'
    const response = await page.goto(app.url('/page/a?b=c'))
    t.equal(response!.status(), 503)
    await page.getByRole('heading', { name: 'This page is not available right now' }).waitFor()
    const overflow = 'document.documentElement.scrollWidth - innerWidth'
    t.ok(Number(await page.evaluate(overflow)) <= 0, `no text is cut off at ${width} px`)
    await page.getByRole('link', { name: 'Home' }).waitFor()
    store.trouble = () => undefined
    await page.getByRole('link', { name: 'Try again' }).click()
    await page.getByText('page /page/a?b=c').waitFor()

    await page.goto(app.url('/admin'))
    await page.getByText('You are still logged in.').waitFor()
    await page.getByRole('link', { name: 'Home' }).click()
    await page.getByText('hello').waitFor()
    t.same(complaints, [], 'the policy of the page refuses nothing that the page needs')
  }
})
