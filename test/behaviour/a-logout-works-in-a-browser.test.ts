import t from 'tap'
import type { Page } from 'playwright-core'
import { startApp, type TestApp } from '../support/app.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { AGENT } from '../support/login.ts'
import { freePort } from '../support/servers.ts'

type Test = Parameters<typeof launchChromium>[0]

/** Starts an app with a page, and opens it logged in. Returns `null` if there is no Chromium. */
async function openLoggedIn(
  t: Test,
  javaScriptEnabled = true
): Promise<{ app: TestApp; page: Page; complaints: string[] } | null> {
  const browser = await launchChromium(t)
  if (browser === null) return null
  const port = await freePort()
  const app = await startApp(t, {
    origin: `http://localhost:${port}`,
    port,
    options: { returnTo: { afterLogout: '/bye?a&b' } },
    after: app => {
      app.get('/form', async (_request, reply) =>
        reply.type('text/html').send(`<form method="post" action="/logout">
          <button name="revoke" value="true">Everywhere</button></form>`)
      )
      app.get('/bye', async () => 'goodbye')
    }
  })
  const page = await (await browser.newContext({ javaScriptEnabled })).newPage()
  const complaints: string[] = []
  page.on('console', message => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text())
  })
  await page.goto(app.url('/login'))
  await signInOn(page, AGENT.loginName)
  await page.waitForURL(app.url('/'))
  return { app, page, complaints }
}

/** Whether the cookies of the page’s browser log nobody in any more. */
async function isLoggedOut(page: Page, app: TestApp): Promise<boolean> {
  const response = await page.request.get(app.url('/me'), { headers: { accept: '*/*' } })
  return response.status() === 401
}

t.test('A form logs out everywhere, and leads to the path after a logout.', async t => {
  const opened = await openLoggedIn(t)
  if (opened === null) return
  const { app, page } = opened
  await page.goto(app.url('/form'))
  await page.getByRole('button', { name: 'Everywhere' }).click()
  await page.waitForURL(app.url('/bye?a&b'))
  t.ok(await isLoggedOut(page, app))
  t.equal(app.calls('revoke'), 1)
})

/** What a script may write, and whether that revokes. */
const SCRIPTS: Array<[what: string, init: string, revokes: boolean]> = [
  ['nothing', '{}', false],
  ['form data', '{ body: form() }', true],
  ['URL parameters', "{ body: new URLSearchParams({ revoke: 'on' }) }", true],
  ['JSON as text', '{ body: JSON.stringify({ revoke: true }) }', true],
  [
    'JSON',
    "{ body: JSON.stringify({ revoke: true }), headers: { 'content-type': 'application/json' } }",
    true
  ],
  ['a JSON type and no body', "{ headers: { 'content-type': 'application/json' } }", false],
  ['text', "{ body: 'out' }", false],
  ['a blob', "{ body: new Blob(['x']) }", false]
]

t.test('A script logs out by fetch, whatever it sends, and gets 204.', async t => {
  const opened = await openLoggedIn(t)
  if (opened === null) return
  const { app, page } = opened
  for (const [what, init, revokes] of SCRIPTS) {
    await page.goto(app.url('/login?returnTo=/form'))
    if (page.url() !== app.url('/form')) await signInOn(page, AGENT.loginName)
    await page.waitForURL(app.url('/form'))
    const before = app.calls('revoke')
    const status = await page.evaluate(`{
      const form = () => {
        const data = new FormData()
        data.set('revoke', 'true')
        return data
      }
      fetch('/logout', { method: 'POST', ...${init} }).then(response => response.status)
    }`)
    t.equal(status, 204, what)
    t.ok(await isLoggedOut(page, app), what)
    t.equal(app.calls('revoke') - before, revokes ? 1 : 0, what)
  }
})

t.test('A beacon logs out.', async t => {
  const opened = await openLoggedIn(t)
  if (opened === null) return
  const { app, page } = opened
  const sent = page.waitForResponse(app.url('/logout'))
  t.equal(await page.evaluate("navigator.sendBeacon('/logout')"), true)
  t.equal((await sent).status(), 204)
  t.ok(await isLoggedOut(page, app))
})

for (const javaScriptEnabled of [true, false]) {
  const title = `The button of GET /logout logs out, JavaScript ${javaScriptEnabled ? 'on' : 'off'}.`
  t.test(title, async t => {
    const opened = await openLoggedIn(t, javaScriptEnabled)
    if (opened === null) return
    const { app, page, complaints } = opened
    await page.goto(app.url('/logout'))
    t.notOk(await isLoggedOut(page, app), 'the page alone does nothing')
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.waitForURL(app.url('/bye?a&b'))
    t.ok(await isLoggedOut(page, app))
    t.same(complaints, [], 'the content security policy blocks nothing')
  })
}
