import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { freePort } from '../support/servers.ts'
import { startExample } from './support.ts'

const PASSWORD = 'liveperson'
const AGENT = 'maya.osei'
const ADMINISTRATOR = 'henrik.dahl'

/** How long a page may take to load on a busy machine, in ms. */
const PATIENCE = 20_000

/** A user's browser, and the complaints on its console. */
interface Visitor {
  context: BrowserContext
  page: Page
  complaints: string[]
}

async function visitor(
  t: Test,
  browser: Browser,
  base: string,
  options: BrowserContextOptions = {}
): Promise<Visitor> {
  const context = await browser.newContext({ baseURL: base, ...options })
  context.setDefaultTimeout(PATIENCE)
  t.teardown(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (!['error', 'warning'].includes(message.type())) return
    // Chromium reports a page of status 401, 403 or 404 as an error, even if the test expects it.
    const isOwnPage =
      message.location().url === page.url() && /status of 40[134] /.test(message.text())
    if (!isOwnPage) complaints.push(`${page.url()}: ${message.text()}`)
  })
  return { context, page, complaints }
}

const heading = (page: Page, name: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name }).waitFor()
const textOf = (page: Page): Promise<string> => page.locator('body').innerText()
const focusedText = (page: Page): Promise<string> =>
  page.evaluate('document.activeElement.textContent.trim()')

/** Presses Tab until an element with this text has the focus, as a user without a mouse does. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press('Tab')
    if ((await focusedText(page)) === text) return
  }
  throw new Error(`no Tab leads to ${text}`)
}

/**
 * Goes back as the back button does. Playwright's goBack waits for a load that the back/forward
 * cache does not make.
 */
async function goBack(page: Page): Promise<void> {
  await page.evaluate('history.back()')
}

t.test('The example app works in Chromium.', async t => {
  const browser = await launchChromium(t)
  if (browser === null) return
  const example = startExample(t, { PORT: String(await freePort()) })
  const base = await example.address()

  await t.test(
    'An agent logs in on the way to a page, sees the agents, and is refused as an ' +
      'administrator.',
    async t => {
      const { page, complaints } = await visitor(t, browser, base)
      await page.goto('/')
      t.match(await page.title(), 'Northdesk')
      await page.getByRole('link', { name: 'Agents' }).click()
      t.match(page.url(), '/sentinel/login')
      await signInOn(page, AGENT)

      await heading(page, 'Agents')
      t.equal(page.url(), `${base}/agents`, 'back at the page that the agent wanted')
      t.equal(await page.getByRole('row').count(), 9, 'eight people and the head of the table')
      t.match(
        await page.getByRole('row', { name: 'Maya Osei' }).innerText(),
        /You.*maya\.osei.*maya\.osei@example\.com.*Enabled/s
      )
      t.equal(await page.getByRole('link', { name: 'Agents' }).getAttribute('aria-current'), 'page')

      const refused = await page.goto('/admin')
      t.equal(refused!.status(), 403)
      await heading(page, 'You need to be an administrator')

      await page.goto('/profile')
      const profile = await textOf(page)
      for (const fact of [
        AGENT,
        '3562186410',
        '12345678',
        /Role\s+User/,
        'Just now',
        /In (59|60) minutes|In 1 hour/
      ]) {
        t.match(profile, fact)
      }

      await page.goto('/nowhere')
      await heading(page, 'Page not found')
      t.same(complaints, [])
    }
  )

  await t.test('A visitor of 127.0.0.1 comes to localhost with the first click.', async t => {
    const { page, complaints } = await visitor(t, browser, base.replace('localhost', '127.0.0.1'))
    await page.goto('/')
    await page.getByRole('link', { name: 'Agents' }).click()
    await signInOn(page, AGENT)
    await heading(page, 'Agents')
    t.equal(page.url(), `${base}/agents`)
    t.same(complaints, [])
  })

  await t.test('An administrator may open the administration page.', async t => {
    const { page, complaints } = await visitor(t, browser, base)
    await page.goto('/admin')
    await signInOn(page, ADMINISTRATOR)
    await heading(page, 'Administration')
    t.match(await textOf(page), /Lunch\s+In use/)
    t.same(complaints, [])
  })

  await t.test('The back button shows nothing private after a logout.', async t => {
    const { page, complaints } = await visitor(t, browser, base)
    await page.goto('/agents')
    await signInOn(page, AGENT)
    await heading(page, 'Agents')
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByText('You are logged out of Northdesk.').waitFor()
    t.equal(page.url(), `${base}/?logged-out=here`)

    await goBack(page)
    await heading(page, 'You are logged out')
    t.equal(page.url(), `${base}/agents`)
    t.notMatch(await textOf(page), /maya|example\.com|12345678/i)

    await page.getByRole('link', { name: 'Log in with LivePerson' }).click()
    await heading(page, 'Agents')
    t.equal(
      page.url(),
      `${base}/agents`,
      'LivePerson’s single sign-on still works when the user wants it'
    )
    t.same(complaints, [])
  })

  // Chromium drops a no-store page from its back/forward cache when a cookie changes, and keeps it
  // when the login ends on another device. That is what the pages' script is for.
  await t.test(
    'The back/forward cache shows nothing private if the login has ended on another device.',
    async t => {
      const { context, page, complaints } = await visitor(t, browser, base)
      await page.addInitScript(`addEventListener('pageshow', event => {
      if (!event.persisted) return
      const shown = document.body.checkVisibility() ? 'readable' : 'blank'
      sessionStorage.setItem('restored', shown)
    })`)
      await page.goto('/agents')
      await signInOn(page, AGENT)
      await heading(page, 'Agents')
      await page.getByRole('link', { name: 'Home' }).click()
      await heading(page, `Hello, ${AGENT}`)

      const otherDevice = await visitor(t, browser, base, {
        storageState: await context.storageState()
      })
      await otherDevice.page.goto('/log-out-everywhere')
      await otherDevice.page.getByRole('button', { name: 'Log out everywhere' }).click()
      await otherDevice.page.getByText('You are logged out everywhere.').waitFor()

      await goBack(page)
      await page.getByLabel('Password').waitFor()
      t.match(page.url(), '/sentinel/login', 'the page was loaded again, and needs a login')
      await page.goto('/')
      // Under load Chromium may not keep the page at all, which is as good.
      t.not(
        await page.evaluate('sessionStorage.getItem("restored")'),
        'readable',
        'the page from the cache was blank'
      )
      t.same(complaints, [])
    }
  )

  await t.test('The route for logging out everywhere ends the single sign-on session.', async t => {
    const { context, page, complaints } = await visitor(t, browser, base)
    await page.goto('/profile')
    await signInOn(page, ADMINISTRATOR)
    await heading(page, 'Your profile')
    await page.getByRole('link', { name: 'Log out everywhere' }).click()
    await heading(page, 'Log out everywhere?')
    await page.getByRole('button', { name: 'Log out everywhere' }).click()
    await page.getByText('You are logged out everywhere.').waitFor()
    t.equal(page.url(), `${base}/?logged-out=everywhere`)

    await page.getByRole('link', { name: 'Log in with LivePerson' }).click()
    await page.getByLabel('Password').waitFor()
    t.match(page.url(), '/sentinel/login', 'LivePerson asks for the password again')
    t.same(
      (await context.cookies(base)).filter(({ name }) => /^le-auth-\w+$/.test(name)),
      [],
      'no login cookie is left'
    )
    t.same(complaints, [])
  })

  await t.test('The keyboard is enough to log in and out.', async t => {
    const { page, complaints } = await visitor(t, browser, base)
    await page.goto('/')
    await page.keyboard.press('Tab')
    t.equal(await focusedText(page), 'Skip to the content')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Log in with LivePerson')
    t.equal(
      await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'),
      'solid',
      'the focus can be seen'
    )
    await page.keyboard.press('Enter')
    await page.getByLabel('User name').waitFor()

    await page.keyboard.type(AGENT)
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await heading(page, `Hello, ${AGENT}`)

    await tabTo(page, 'Log out')
    await page.keyboard.press('Enter')
    await page.getByText('You are logged out of Northdesk.').waitFor()
    t.same(complaints, [])
  })

  await t.test(
    'The keyboard is enough to search, to repeat the last search and to forget it.',
    async t => {
      const { page, complaints } = await visitor(t, browser, base)
      await page.goto('/agents')
      await signInOn(page, AGENT)
      await page
        .getByRole('searchbox', { name: 'Search by name, login name, e-mail or profile' })
        .focus()
      await page.keyboard.type('Dahl')
      await page.keyboard.press('Enter')
      await page.getByText('One person found').waitFor()
      t.equal(page.url(), `${base}/agents?q=Dahl`)

      await tabTo(page, 'Show everyone')
      await page.keyboard.press('Enter')
      await page.getByText('Your last search:').waitFor()
      t.equal(await page.getByRole('row').count(), 9)
      await tabTo(page, 'Dahl')
      await page.keyboard.press('Enter')
      await page.getByText('One person found').waitFor()

      await page.getByRole('searchbox').fill('')
      await page.keyboard.press('Enter')
      await page.getByText('8 people').waitFor()
      t.equal(await page.getByText('Your last search:').count(), 0)
      t.same(complaints, [])
    }
  )

  for (const width of [390, 320]) {
    await t.test(`No page is wider than a phone of ${width} pixels.`, async t => {
      const { page, complaints } = await visitor(t, browser, base, {
        viewport: { width, height: 844 }
      })
      const tooWide: string[] = []
      const measure = async (path: string): Promise<void> => {
        await page.goto(path)
        if (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) {
          tooWide.push(path)
        }
      }
      await measure('/?logged-out=here')
      await page.goto('/admin')
      await signInOn(page, ADMINISTRATOR)
      await heading(page, 'Administration')
      for (const path of [
        '/',
        `/agents?q=${'wide'.repeat(25)}`,
        '/agents',
        '/profile',
        '/admin',
        '/log-out-everywhere',
        '/nowhere'
      ]) {
        await measure(path)
      }
      t.same(tooWide, [])
      t.same(complaints, [])
    })
  }
})
