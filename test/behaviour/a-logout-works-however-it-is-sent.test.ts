import formbody from '@fastify/formbody'
import t from 'tap'
import { startApp, type Setting, type TestApp } from '../support/app.ts'
import { errorCode, isAnonymous } from '../support/checks.ts'
import { AGENT, logIn } from '../support/login.ts'
import { rawRequest, type RawResponse } from '../support/raw-http.ts'

interface Sent {
  type?: string
  body?: string
  headers?: Record<string, string>
}

const FORM = 'application/x-www-form-urlencoded'
const MULTIPART = 'multipart/form-data; boundary=x'
const part = (value: string): string =>
  `--x\r\nContent-Disposition: form-data; name="revoke"\r\n\r\n${value}\r\n--x--\r\n`

/** Logs a user in, and logs the user out by a script's request. */
async function logOutBy(
  app: TestApp,
  { type, body, headers }: Sent
): Promise<{ response: RawResponse; revoked: boolean; isLoggedOut: boolean }> {
  const browser = app.browser()
  await logIn(app, browser)
  const before = app.calls('revoke')
  const response = await rawRequest(app, '/logout', {
    method: 'POST',
    browser,
    headers: {
      'Sec-Fetch-Site': 'same-origin',
      ...(type !== undefined && { 'Content-Type': type }),
      ...headers
    },
    ...(body !== undefined && { body })
  })
  const isLoggedOut = (await browser.script(app.url('/me'))).status === 401
  return { response, revoked: app.calls('revoke') > before, isLoggedOut }
}

const REVOKING: Sent[] = [
  { type: FORM, body: 'revoke=true' },
  { type: `${FORM}; charset=utf-8`, body: 'revoke=on' },
  { type: FORM, body: 'revoke=false&revoke=1' },
  { type: MULTIPART, body: part('true') },
  { type: 'Multipart/Form-Data; boundary=x', body: part('on') },
  { type: 'application/json', body: '{"revoke":true}' },
  { type: 'application/json; charset=utf-8', body: ' {"revoke":"true"}' },
  { type: 'application/json', body: '{"revoke":1}' },
  { type: 'application/json', body: 'revoke=true' },
  { type: 'text/plain', body: 'revoke=true\r\n' },
  { type: 'text/plain;charset=UTF-8', body: '{"revoke":true}' },
  { type: 'application/x-unknown', body: 'revoke=true' },
  { body: 'revoke=true' }
]

const PLAIN: Sent[] = [
  {},
  { body: '' },
  { type: FORM, body: '' },
  { type: FORM, body: 'revoke=false' },
  { type: FORM, body: 'revoke=0&other=true' },
  { type: FORM, body: 'revoke' },
  { type: MULTIPART, body: '' },
  { type: MULTIPART, body: part('false') },
  { type: 'application/json', body: '' },
  { type: 'application/json', body: '{}' },
  { type: 'application/json', body: 'null' },
  { type: 'application/json', body: '[true]' },
  { type: 'application/json', body: '{"__proto__":{"revoke":true}}' },
  { type: 'text/plain', body: 'out' },
  { type: 'application/octet-stream', body: '\0\x01\x02' }
]

const UNREADABLE: Record<string, Sent> = {
  'broken JSON': { type: 'application/json', body: '{"revoke":tr' },
  'a broken form': { type: MULTIPART, body: '--x\r\nbroken' },
  'a form without its boundary': { type: 'multipart/form-data', body: part('true') },
  'a strange object': { type: 'application/json', body: '{"revoke":{"toString":1}}' },
  'a long body': { type: FORM, body: `revoke=true&x=${'x'.repeat(2_000_000)}` }
}

/** What an app may have done to its body parsers. */
const PARSERS: Record<string, Setting> = {
  'no parser of its own': {},
  'the usual form parser': { before: app => app.register(formbody) },
  'parsers that read other things': {
    before: app => {
      const types = [FORM, 'text/plain', 'multipart/form-data', 'application/json', '*']
      app.removeAllContentTypeParsers()
      app.addContentTypeParser(types, { parseAs: 'string' }, (_request, _body, done) => {
        done(null, 'something else')
      })
    }
  },
  'parsers that refuse everything': {
    before: app => {
      app.removeAllContentTypeParsers()
      app.addContentTypeParser(/.*/, (_request, _payload, done) => done(new Error('refused')))
    }
  }
}

for (const [what, setting] of Object.entries(PARSERS)) {
  t.test(`Any body logs out and says whether to revoke, in an app with ${what}.`, async t => {
    const app = await startApp(t, setting)
    for (const [sent, revoke] of [
      ...REVOKING.map(sent => [sent, true] as const),
      ...PLAIN.map(sent => [sent, false] as const)
    ]) {
      const { response, revoked, isLoggedOut } = await logOutBy(app, sent)
      t.same([response.status, isLoggedOut, revoked], [204, true, revoke], JSON.stringify(sent))
    }
    t.notOk(app.events().some(({ event }) => event === 'logout_body_ignored'))
  })
}

t.test('A body that nobody can read logs out here, and the log says so.', async t => {
  const app = await startApp(t)
  for (const [what, sent] of Object.entries(UNREADABLE)) {
    const known = app.events().length
    const { response, revoked, isLoggedOut } = await logOutBy(app, sent)
    t.same([response.status, isLoggedOut, revoked], [204, true, false], what)
    t.ok(
      app
        .events()
        .slice(known)
        .some(({ event }) => event === 'logout_body_ignored'),
      what
    )
  }
})

t.test('Fastify refuses a malformed content type, and the user stays logged in.', async t => {
  const app = await startApp(t)
  const { response, isLoggedOut } = await logOutBy(app, { type: 'json', body: '{}' })
  t.same([response.status, isLoggedOut], [415, false])
})

t.test('The app keeps its own body parsers.', async t => {
  const app = await startApp(t, {
    after: app => {
      app.post('/echo', async ({ body }) => ({ body }))
    }
  })
  const json = { 'Content-Type': 'application/json' }
  const echo = await rawRequest(app, '/echo', { method: 'POST', headers: json, body: '{"a":1}' })
  t.match(echo.text, '{"body":{"a":1}}')
  const form = await rawRequest(app, '/echo', { method: 'POST', form: 'a=1' })
  t.equal(form.status, 415)
})

t.test('A form is redirected, and a script gets 204.', async t => {
  const app = await startApp(t, { options: { returnTo: { afterLogout: '/?bye' } } })
  for (const [headers, expected] of [
    [{ Accept: 'text/html,*/*;q=0.8', 'Sec-Fetch-Mode': 'navigate' }, '303 /?bye'],
    [{ Accept: 'text/vnd.turbo-stream.html, text/html', 'Sec-Fetch-Mode': 'cors' }, '303 /?bye'],
    [{ Accept: '*/*', 'Sec-Fetch-Mode': 'cors' }, '204 undefined'],
    [{ Accept: '*/*', 'Sec-Fetch-Mode': 'no-cors' }, '204 undefined'],
    [{ Accept: 'application/json' }, '204 undefined'],
    [{}, '204 undefined']
  ] as Array<[Record<string, string>, string]>) {
    const { response } = await logOutBy(app, { headers })
    t.equal(`${response.status} ${response.location}`, expected, JSON.stringify(headers))
  }
})

const CLIENTS: Array<[what: string, headers: Record<string, string>, hasPage: boolean]> = [
  [
    'a link',
    { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    true
  ],
  ['an old browser', { accept: 'text/html,*/*;q=0.8' }, true],
  ['a script', { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }, false],
  ['a prefetch', { accept: 'text/html', 'sec-purpose': 'prefetch' }, false]
]

t.test(
  'GET /logout logs nobody out, and shows a button to whoever opens it as a page.',
  async t => {
    const app = await startApp(t, { options: { returnTo: { afterLogout: '/?a&b' } } })
    const browser = app.browser()
    await logIn(app, browser)
    for (const [what, headers, hasPage] of CLIENTS) {
      for (const method of ['GET', 'HEAD']) {
        const response = await browser.send(app.url('/logout?x=1'), { method, headers })
        t.equal(`${response.status} ${response.headers.allow}`, '405 POST', `${method}, ${what}`)
        t.equal(response.headers['cache-control'], 'no-store')
        const isPage = hasPage && method === 'GET'
        t.equal(response.text.includes('>Log out</button>'), isPage)
        if (!isPage) t.equal(response.text, '')
        else t.match(response.text, 'data-then="/?a&#38;b"')
      }
    }
    t.equal((await browser.script(app.url('/me'))).status, 200, 'still logged in')
  }
)

t.test('A form that does not come from the app gets a page with a button.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const [from, form] = ['https://other.example/', { revoke: 'true' }]
  const response = await browser.step(app.url('/logout'), { method: 'POST', form, from })
  t.equal(`${response.status} ${errorCode(response)}`, '403 LE_AUTH_LOGOUT_CROSS_SITE')
  t.match(response.text, '>Log out</button>')
  t.match(response.headers['content-security-policy'], "frame-ancestors 'none'")
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  await browser.submit(app.url('/logout'), {})
  await isAnonymous(t, app, browser)
})

t.test('The app may have a page of its own at GET /logout.', async t => {
  const app = await startApp(t, {
    before: app => {
      app.get('/logout', async () => 'a page of the app')
    }
  })
  t.equal((await app.browser().step(app.url('/logout'))).text, 'a page of the app')
})
