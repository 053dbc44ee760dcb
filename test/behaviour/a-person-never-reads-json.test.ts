import Fastify from 'fastify'
import t from 'tap'
import { requireAuth } from '../../lib/index.ts'
import { type Failure, failingGuards } from '../support/failing-guards.ts'
import { startApp } from '../support/app.ts'
import { errorCode, isFreeOf } from '../support/checks.ts'
import { logIn } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'
import { STORE_PASSWORD, TestStore } from '../support/stores.ts'

interface Row {
  status: number
  title: string
  code: string
  sentences: RegExp[]
  /** Label and path of each link. */
  links: string[]
  retryAfter?: string
}

const HERE = '/guarded?a=1'
const AGAIN = encodeURIComponent('/guarded/admin?a=1')

const PAGES: Record<Exclude<Failure, 'login'>, Row> = {
  admin: {
    status: 403,
    title: 'You may not see this page',
    code: 'LE_AUTH_ADMIN_REQUIRED',
    sentences: [/for administrators/, /You are still logged in\./, /log in again/],
    links: [`Log in again: /login?returnTo=${AGAIN}`, 'Home: /']
  },
  store: {
    status: 503,
    title: 'This page is not available right now',
    code: 'LE_AUTH_STORE_UNAVAILABLE',
    sentences: [/cannot reach its session store/, /You have not been logged out\./],
    links: [`Try again: ${HERE}`, 'Home: /']
  },
  refresh: {
    status: 503,
    title: 'This page is not available right now',
    code: 'LE_AUTH_REFRESH_UNAVAILABLE',
    sentences: [/cannot be refreshed/, /You are still logged in\./],
    links: [`Try again: ${HERE}`, 'Home: /'],
    retryAfter: '[56]'
  }
}

const FORMS: Record<Failure, string[]> = {
  login: ['Log in: /login', 'Home: /'],
  admin: ['Log in again: /login', 'Home: /'],
  store: ['Home: /'],
  refresh: ['Home: /']
}

/** The links of a page, as a browser reads them. */
function linksOf(text: string): string[] {
  const found = text.matchAll(/<a[^>]* href="([^"]*)">([^<]*)</g)
  return [...found].map(([, path, label]) => `${label}: ${path}`)
}

for (const [failure, row] of Object.entries(PAGES)) {
  t.test(`A page whose guard fails says what happened and what to do: ${row.code}.`, async t => {
    const { app, open } = await failingGuards(t)
    const { status, text, headers } = await open(failure as Failure)
    t.equal(status, row.status)
    t.match(text, `<h1>${row.title}</h1>`)
    for (const sentence of row.sentences) t.match(text, sentence)
    t.same(linksOf(text), row.links)
    t.match(text, `Error code: <code>${row.code}</code>`)
    t.match(String(headers['retry-after']), new RegExp(`^${row.retryAfter ?? 'undefined'}$`))
    t.equal(headers['content-type'], 'text/html; charset=utf-8')
    t.equal(headers['cache-control'], 'no-store')
    t.match(headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-/)
    const id = /Request: <code>(req-\w+)<\/code>/.exec(text)![1]
    const line = app.logLines.find(line => line.includes('"err"') && line.includes(`"${id}"`))
    t.match(JSON.parse(line!), { level: status === 403 ? 30 : 50, err: { code: row.code } })
    isFreeOf(t, text + app.logLines.join(), [STORE_PASSWORD], 'nothing secret is shown or logged')
    if (failure !== 'admin') {
      const { hint } = JSON.parse(line!).err
      t.ok(hint, 'the log has the operator’s part')
      t.notOk(text.includes(hint), 'and the page has not')
    }
  })
}

for (const [failure, links] of Object.entries(FORMS)) {
  t.test(`A form whose guard fails gets a page as well: ${failure}.`, async t => {
    const { submit } = await failingGuards(t)
    const { text, headers } = await submit(failure as Failure)
    t.match(headers['content-type'], 'text/html')
    t.same(linksOf(text), links)
    t.equal(
      text.includes('To send the form again, go back to it.'),
      failure !== 'admin',
      'the way back to the form'
    )
  })
}

t.test('A script is told when a refresh is tried again.', async t => {
  const { script } = await failingGuards(t)
  const { headers, json } = await script('refresh')
  t.match(headers['retry-after'], /^[56]$/)
  t.equal(json().code, 'LE_AUTH_REFRESH_UNAVAILABLE')
})

t.test('While the store is away, every page is a page, with a guard or without.', async t => {
  const store = new TestStore()
  const app = await startApp(t, {
    options: { store },
    after: app =>
      app.get('/visit', async ({ session }) => {
        Object.assign(session, { visits: 1 })
        return 'noted'
      })
  })
  const user = app.browser()
  await logIn(app, user)
  const visitor = app.browser()
  await visitor.step(app.url('/visit'))
  store.trouble = () => 'error'
  const code = 'a-code-that-nobody-may-see'
  for (const [browser, path, again] of [
    [user, '/', '/'],
    [user, '/page/a?b=%3Ci%3E', '/page/a?b=%3Ci%3E'],
    [visitor, '/visit', '/visit'],
    [user, '/login?returnTo=/page/a', '/login?returnTo=/page/a'],
    [user, `/callback?code=${code}&state=${code}`, '/login']
  ] as const) {
    const { status, text } = await browser.step(app.url(path))
    t.equal(`${status} ${errorCode({ text })}`, '503 LE_AUTH_STORE_UNAVAILABLE', path)
    t.equal(linksOf(text)[0], `Try again: ${again}`)
    t.notOk(text.includes(code))
    t.equal((await browser.script(app.url(path))).json().code, 'LE_AUTH_STORE_UNAVAILABLE')
  }
  t.notOk(app.logLines.join().includes(code))
})

t.test('A logout that fails is a page for a person, and JSON for a script.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { store } })
  const user = app.browser()
  await logIn(app, user)
  const url = app.url('/logout')
  const form = { method: 'POST', form: {} }
  const foreign = await user.step(url, { ...form, from: 'https://evil.example/' })
  t.equal(`${foreign.status} ${errorCode(foreign)}`, '403 LE_AUTH_LOGOUT_CROSS_SITE')
  t.match(foreign.text, 'You have not been logged out yet.')
  t.match(foreign.text, 'Request: <code>req-')
  t.same(linksOf(foreign.text), ['Cancel: /'])
  const headers = { 'sec-fetch-site': 'cross-site' }
  const script = await user.script(url, { ...form, headers })
  t.equal(script.json().code, 'LE_AUTH_LOGOUT_CROSS_SITE')

  store.trouble = ({ operation }) => (operation === 'destroy' ? 'error' : undefined)
  const failed = await user.step(url, { ...form, from: app.url('/') })
  t.equal(`${failed.status} ${errorCode(failed)}`, '503 LE_AUTH_STORE_UNAVAILABLE')
  t.match(failed.text, 'You have not been logged out.')
  store.trouble = () => undefined
  t.equal((await user.step(url, { ...form, from: app.url('/') })).status, 303)
})

t.test('A guard outside the plugin’s scope tells a visitor nothing of the set-up.', async t => {
  const log: string[] = []
  const stream = { write: (line: string) => log.push(line) }
  const app = Fastify({ logger: { level: 'info', stream } })
  t.teardown(() => app.close())
  app.get('/', { onRequest: requireAuth }, async () => 'never')
  const { statusCode, json } = await app.inject('/')
  t.equal(statusCode, 500)
  t.match(json().message, /^This app is not set up correctly\. Its operator should read the log\.$/)
  t.match(log.join(), 'not registered in its scope')
})

t.test('The id of the request is escaped, and so is its path.', async t => {
  const { app, open } = await failingGuards(t, {
    fastify: { genReqId: () => '<img src=x>"&' },
    after: app => app.get('/strange/*', { onRequest: app.requireAdmin }, async () => 'never')
  })
  t.match((await open('admin')).text, 'Request: <code>&#60;img src=x&#62;&#34;&#38;</code>')
  const user = app.browser()
  await logIn(app, user)
  for (const path of ['"><script>x</script>', "'onclick='x", '%22%3E%3Cb%3E?a="><b>']) {
    const { text } = await rawRequest(app, `/strange/${path.replaceAll(' ', '%20')}`, {
      browser: user,
      headers: { Accept: 'text/html' }
    })
    t.match(text, /^HTTP\/1\.1 403/)
    t.notMatch(text, /<script|<b>|'onclick/, path)
  }
})
