import fc from 'fast-check'
import t, { type Test } from 'tap'
import { compact, percentEncoded, returnPath } from '../../lib/http/return-path.ts'
import { startApp, type TestApp } from '../support/app.ts'
import type { PageResponse } from '../support/browser.ts'
import { logIn, upToCallback } from '../support/login.ts'
import { HOST, production } from '../support/production.ts'

const A = (length: number): string => 'a'.repeat(length)
/** As a browser sends it, and as the redirect after the login has it. */
const encoded = (path: string): string => new URL(path, 'http://localhost:3000').pathname

/** Opens a guarded page as a visitor, logs in, and returns the URL of the last page. */
async function whereALinkLeads(app: TestApp, path: string): Promise<string> {
  return (await logIn(app, app.browser(), undefined, path)).url
}

t.test('A long link to a guarded page leads back to it, in any writing system.', async t => {
  const app = await startApp(t)
  for (const path of [
    `/page/${A(1530)}`,
    `/page/?q=${A(1527)}`,
    `/page/?q=${'%22'.repeat(509)}`,
    encoded(`/page/${'я'.repeat(511)}`),
    encoded(`/page/${'日'.repeat(340)}`),
    encoded(`/page/${'😀'.repeat(255)}`),
    `/page/?q=${'%D1%8F%2F%ff'.repeat(120)}`
  ]) {
    t.equal(await whereALinkLeads(app, path), app.url(path), path.slice(0, 30))
  }
})

t.test('A link that is too long leads to its page without the query.', async t => {
  const app = await startApp(t)
  for (const path of [
    `/page/there?q=${A(1530)}`,
    `/page/there?q=${A(9000)}`,
    `/page/there?q=${'%22'.repeat(600)}`,
    `/page/there?q=${'%D1%8F'.repeat(520)}`,
    `/page/there?q=${'%D1%8F'.repeat(1500)}`
  ]) {
    t.equal(await whereALinkLeads(app, path), app.url('/page/there'), path.slice(0, 30))
  }
})

t.test('A link whose path alone is too long leads to the default page.', async t => {
  const app = await startApp(t, { options: { returnTo: { afterLogin: '/page/default' } } })
  for (const path of [
    `/page/${A(1540)}`,
    `/page/${A(1540)}?a=b`,
    `/page/${'%D1%8F'.repeat(512)}`
  ]) {
    t.equal(await whereALinkLeads(app, path), app.url('/page/default'), path.slice(0, 30))
  }
})

t.test('A whole URL of the app is a return path, with its query and fragment.', async t => {
  const app = await startApp(t)
  const here = app.url('/page/%D1%8F?a=b&c=%2F#d')
  const start = `/login?returnTo=${encodeURIComponent(here)}`
  const response = await app.browser().step(app.url(start))
  t.equal(response.status, 302)
  const browser = app.browser()
  const { location } = await browser.step(await upToCallback(app, browser, start))
  t.equal(location, '/page/%D1%8F?a=b&c=%2F#d', 'the redirect has the path only')
})

t.test('A path keeps every byte while it is stored, and is stored in the shortest form.', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
      const path = returnPath(`/${text}`, 'http://localhost:3000')
      return path === null || percentEncoded(compact(path)) === path
    })
  )
  for (const path of ['/%D1%8F%ff', '/%d1%8f', '/%ED%A0%80', '/%C0%AF', '/%C2%85', '/%22%2F%']) {
    t.equal(percentEncoded(compact(path)), path)
    t.equal(returnPath(compact(path), 'http://localhost:3000'), path)
  }
  t.equal(compact('/%D1%8F?q=%F0%9F%98%80%2F'), '/я?q=😀%2F')
  t.end()
})

/** What nginx takes from an app unless `proxy_buffer_size` says otherwise. */
const NGINX_HEADERS = 4096

t.test('With the longest link, no response has more headers than nginx takes.', async t => {
  const { app, browser } = await production(t, [HOST], { sentinelDomain: HOST })
  for (const page of [`/page/${A(1530)}`, encoded(`/page/${'я'.repeat(511)}`)]) {
    for (let tab = 0; tab < 5; tab += 1) await browser.step(app.url('/login'))
    await browser.step(await upToCallback(app, browser, page))
    const responses = browser.history.filter(({ url }) => url.startsWith(app.origin))
    for (const response of responses) belowLimit(t, response)
    t.equal(responses.at(-1)!.location, page)
    await browser.jar.removeAllCookies()
  }
})

function belowLimit(t: Test, { url, headers }: PageResponse): void {
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map(value => `${name}: ${value}\r\n`)
  )
  const bytes = lines.join('').length
  t.ok(bytes < NGINX_HEADERS - 256, `${bytes} bytes of headers for ${url.slice(0, 40)}`)
}
