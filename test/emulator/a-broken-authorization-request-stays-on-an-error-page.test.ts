import t from 'tap'
import { Browser, authorizePath, locationOf, redirectUri, start, type Changes } from './support.ts'

t.test('a malformed authorization request leads to an error page, not to a redirect', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const cases: [string, Changes, number][] = [
    ['a missing version', { v: undefined }, 400],
    ['wrong version', { v: '2.0' }, 400],
    ['no response type', { response_type: undefined }, 400],
    ['an empty response type', { response_type: '' }, 400],
    ['no client', { client_id: undefined }, 400],
    ['unknown client', { client_id: 'somebody' }, 401],
    ['redirect URI omitted although two are registered', { redirect_uri: undefined }, 400],
    ['redirect URI not registered', { redirect_uri: 'https://evil.example' }, 400],
    ['redirect URI with a registered one as prefix', { redirect_uri: `${redirectUri}/x` }, 400]
  ]
  for (const [name, changes, status] of cases) {
    const path = authorizePath(changes)
    for (const response of [await browser.get(path), await browser.post(path)]) {
      t.equal(response.status, status, name)
      t.notOk(response.headers.has('location'), name)
      t.match(await response.text(), '<h1 id="title">This', name)
    }
  }
  const repeated = await browser.get(`${authorizePath()}&state=another`)
  t.equal(repeated.status, 400)
  t.match(await repeated.text(), 'The parameter state was sent more than once.')
  const unknown = await browser.get(authorizePath({}, '<b>99'))
  t.equal(unknown.status, 401)
  t.match(await unknown.text(), 'There is no account &#60;b&#62;99.')
})

t.test('a disabled application is treated as unknown', async t => {
  const sentinel = await start(t)
  const [application] = sentinel.accounts[0]?.applications ?? []
  if (application) application.enabled = false
  t.equal((await new Browser(sentinel).get(authorizePath())).status, 401)
})

t.test('GET may omit the only registered redirect URI, and POST may not', async t => {
  const sentinel = await start(t)
  sentinel.accounts[0]?.applications[0]?.redirectUris.splice(1)
  const browser = new Browser(sentinel)
  const path = authorizePath({ redirect_uri: undefined })
  t.equal((await browser.get(path)).status, 302)
  t.equal((await browser.post(path)).status, 400)
  t.match((await browser.signIn(undefined, { redirect_uri: undefined })).href, redirectUri)

  sentinel.accounts[0]?.applications[0]?.redirectUris.splice(0)
  t.equal((await browser.get(path)).status, 400, 'GET must send it if none is registered')
})

t.test('an error of a valid application is sent to its redirect URI', async t => {
  const sentinel = await start(t)
  const response = await new Browser(sentinel).get(authorizePath({ response_type: 'token' }))
  t.equal(response.status, 302)
  const url = new URL(locationOf(response))
  t.equal(url.origin + url.pathname, redirectUri)
  t.same(Object.fromEntries(url.searchParams), {
    error: 'unsupported_response_type',
    error_description: 'response_type must be code',
    state: 'a state'
  })
})
