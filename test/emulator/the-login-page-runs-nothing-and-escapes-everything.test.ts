import { createHash } from 'node:crypto'
import t from 'tap'
import { Browser, authorizePath, loginNames, password, start } from './support.ts'

const NASTY = "\"><script>alert('1')</script>&"
const ESCAPED = '&#34;&#62;&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#38;'

t.test('the login page runs no script, loads nothing and cannot be framed', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const response = await browser.get(await browser.openLogin())
  const page = await response.text()
  const style = /<style>(.*)<\/style>/s.exec(page)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  t.equal(
    response.headers.get('content-security-policy'),
    `default-src 'none'; style-src 'sha256-${hash}'; ` +
      "form-action 'self' http://localhost:3000; base-uri 'none'; frame-ancestors 'none'"
  )
  t.equal(response.headers.get('cache-control'), 'no-store')
  t.equal(response.headers.get('referrer-policy'), 'no-referrer')
  t.notMatch(page, /<script|<link|<img|style="|https?:/)
  t.match(page, 'Emulator – not for production')
  t.match(page, '<b>12345678</b>')
  t.match(page, '<strong>Support Desk</strong>')
  t.match(page, /<label for="username">.*<input id="username"/s)
  t.match(page, /<label for="password">.*<input id="password"/s)
})

t.test('the policy of an error page forbids all forms', async t => {
  const sentinel = await start(t)
  const response = await new Browser(sentinel).get(authorizePath({ v: undefined }))
  t.match(response.headers.get('content-security-policy'), "form-action 'none'")
})

t.test('the login page escapes every value', async t => {
  const names = { loginName: NASTY, fullName: NASTY, password: NASTY }
  const sentinel = await start(t, {
    accounts: [
      {
        accountId: '12345678',
        applications: [
          {
            clientId: 'c',
            clientSecret: 's',
            clientName: NASTY,
            redirectUris: ['http://localhost:1/']
          }
        ],
        users: [{ id: '1', email: 'a@example.com', ...names }]
      }
    ]
  })
  const browser = new Browser(sentinel)
  const address = await browser.openLogin({ client_id: 'c', redirect_uri: undefined })
  const page = await (await browser.post(address, { username: NASTY, password })).text()
  t.notMatch(page, '<script')
  t.match(page, `value="${ESCAPED}"`)
  t.match(page, `<strong>${ESCAPED}</strong>`)
  t.match(page, `<span class="name">${ESCAPED}</span>`)
  t.match(page, `<code>${ESCAPED}</code> <code>${ESCAPED}</code>`)
})

t.test('a click on a demo user fills in the user name and focuses the password field', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const page = await (await browser.get(await browser.openLogin())).text()
  t.match(page, /name="username" value=""[^>]* autofocus/)
  const link = /<a href="([^"]*maya\.osei)"/.exec(page)?.[1]?.replaceAll('&#38;', '&') ?? ''
  const filled = await (await browser.get(link)).text()
  t.match(filled, `value="${loginNames.agent}"`)
  t.match(filled, /name="password"[^>]* autofocus/)
  for (const role of ['Agent', 'Administrator', 'LivePerson staff', 'Disabled']) {
    t.match(page, `<span class="role">${role}</span>`)
  }
})

t.test('the login page shows at most eight demo users', async t => {
  const sentinel = await start(t)
  const users = sentinel.accounts[0]?.users
  users?.push(...users.map(user => ({ ...user, id: `1${user.id}` })))
  const browser = new Browser(sentinel)
  const page = await (await browser.get(await browser.openLogin())).text()
  t.equal(page.match(/<li>/g)?.length, 8)
})
