import t from 'tap'
import type { PageResponse } from '../support/browser.ts'
import { signIn } from '../support/login.ts'
import { openExample, type Example } from './support.ts'

const AGENT = 'maya.osei'

async function logIn({ browser, open }: Example): Promise<PageResponse> {
  return signIn(browser, await open('/agents'), AGENT)
}

t.test('If LivePerson does not give a list, an explanation is shown in its place.', async t => {
  const example = await openExample(t)
  example.sentinel.next('users', { status: 503, body: '{"secret":"of LivePerson"}' })
  const agents = await logIn(example)
  t.equal(agents.status, 200)
  t.match(agents.text, 'LivePerson did not send this list')
  t.match(agents.text, 'status 503')
  t.notMatch(agents.text, 'of LivePerson&#34;}')

  example.sentinel.next('users', { status: 200, body: '{"not":"a list"}' })
  t.match((await example.open('/agents')).text, 'LivePerson did not send this list')

  example.sentinel.next('users', { status: 200, body: '[]' })
  t.match((await example.open('/agents')).text, 'Nobody here yet')
  t.match((await example.open('/agents')).text, 'Maya Osei')
})

t.test(
  'A response that is not JSON, or no response at all, gives an error page and is not shown ' +
    'on it.',
  async t => {
    const example = await openExample(t)
    await logIn(example)
    example.sentinel.next('users', { status: 200, body: '<p>gateway-noise' })
    const broken = await example.open('/agents')
    t.equal(broken.status, 500)
    t.match(broken.text, 'Something went wrong')
    t.notMatch(broken.text, 'gateway-noise')

    example.sentinel.always('users', { cutOff: 'unprocessed' })
    const away = await example.open('/agents')
    t.equal(away.status, 503)
    t.match(away.text, 'LE_AUTH_SERVICE_UNAVAILABLE')
    t.match(away.text, 'Try again')
  }
)

t.test('Data from LivePerson about people is text, never markup.', async t => {
  const example = await openExample(t)
  const evil = {
    id: 1,
    fullName: '<script>alert(1)</script>',
    loginName: '"><img src=x>',
    email: '"onx="@example.com',
    isEnabled: 'yes',
    profileIds: ['<b>']
  }
  example.sentinel.next('users', { status: 200, body: JSON.stringify([evil, null, 7]) })
  const { text } = await logIn(example)
  t.match(text, '&#60;script&#62;alert(1)&#60;/script&#62;')
  t.notMatch(text, /<script>|<img|"onx=|<b>,?</)
  t.match(text, 'Disabled', 'only a real true is enabled')
})

t.test('No text of a URL reaches a page.', async t => {
  const { open } = await openExample(t)
  for (const path of [
    '/?logged-out=attack',
    '/?logged-out=__proto__',
    '/?logged-out=here&logged-out=attack',
    '/nope/attack?x=attack'
  ]) {
    const { text } = await open(path)
    t.notMatch(text, /attack|__proto__|\[object|You are logged out/, path)
  }
})

t.test('Browsers get pages and scripts get JSON, both with the security headers.', async t => {
  const example = await openExample(t, {
    after: scope => {
      scope.get('/broken', async () => {
        throw new Error('the password of the database is hunter2')
      })
    }
  })
  await logIn(example)
  const page = await example.open('/admin')
  t.equal(page.status, 403)
  t.match(page.text, 'You need to be an administrator')
  const json = await example.browser.script(example.url('/admin'))
  t.match(json, { status: 403 })
  t.match(json.json(), { statusCode: 403, code: 'LE_AUTH_ADMIN_REQUIRED', error: 'Forbidden' })

  const broken = await example.open('/broken')
  const brokenJson = await example.browser.script(example.url('/broken'))
  const missing = await example.open('/nope')
  t.match([broken.status, brokenJson.status, missing.status], [500, 500, 404])
  for (const { text, headers } of [page, json, broken, brokenJson, missing]) {
    t.notMatch(text, 'hunter2')
    t.match(
      headers['content-security-policy'],
      /default-src 'self'.*form-action 'self'; frame-ancestors 'none'/
    )
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': /no-store/
    })
  }
})

t.test('A login that was cancelled ends on a page of the app.', async t => {
  const example = await openExample(t)
  const login = await example.open('/agents')
  const action = /action="([^"]+)"/.exec(login.text)![1]!.replaceAll('&amp;', '&')
  const denied = await example.browser.submit(new URL(action, login.url).href, { action: 'cancel' })
  t.equal(denied.status, 403)
  t.match(denied.text, 'You are not logged in')
  t.match(denied.text, 'Log in with LivePerson')
  t.match(denied.text, 'href="/login?returnTo=')
})

t.test('A logout that does not reach LivePerson is reported on the page.', async t => {
  const example = await openExample(t)
  await logIn(example)
  example.sentinel.always('revoke', { status: 503 })
  const home = await example.browser.submit(example.url('/logout'), { revoke: 'true' })
  t.match(home.url, '/?logged-out=only-here')
  t.match(home.text, 'LivePerson did not confirm')
  t.match(home.text, 'role="alert"')
  t.equal((await example.open('/agents')).status, 401)
})

t.test(
  'A page asks before it logs in after a logout, and a script gets 401 with the login’s URL.',
  async t => {
    const example = await openExample(t)
    await logIn(example)
    const home = await example.browser.submit(example.url('/logout'), {})
    t.match(home.text, 'You are logged out of Northdesk')
    const page = await example.open('/agents')
    t.equal(page.status, 401)
    t.match(page.text, 'href="/login?returnTo=%2Fagents"')
    t.match((await example.browser.script(example.url('/agents'))).json(), {
      code: 'LE_AUTH_LOGIN_REQUIRED',
      loginUrl: '/login'
    })

    const again = await example.open('/login?returnTo=%2Fagents')
    t.match(again.text, 'Maya Osei', 'single sign-on works when the user wants it')
    t.same(
      (await example.browser.cookieNames(example.url('/'))).filter(name =>
        name.startsWith('northdesk')
      ),
      []
    )
  }
)

t.test('After a logout, another site that opens the login gets a page with a button.', async t => {
  const example = await openExample(t)
  await logIn(example)
  await example.browser.submit(example.url('/logout'), {})
  const headers = { 'sec-fetch-site': 'cross-site' }
  const page = await example.browser.step(example.url('/login?returnTo=/agents'), { headers })
  t.equal(page.status, 200)
  t.match(page.text, 'You have logged out')
  t.match((await example.open('/login?returnTo=%2Fagents')).text, 'Maya Osei')
})
