import t from 'tap'
import { authorizePath, loginNames, redirectUri, start } from './support.js'

t.test('signIn goes from the authorization URL back to the app, with a code and the state', async t => {
  const sentinel = await start(t)
  const url = new URL(await sentinel.signIn(sentinel.url + authorizePath({ state: 'xyz' }), loginNames.agent))
  t.equal(url.origin + url.pathname, redirectUri)
  t.equal(url.searchParams.get('state'), 'xyz')
  t.match(url.searchParams.get('code'), /^\w{20,}$/)
  t.same(sentinel.requests.map(({ endpoint }) => endpoint), ['authorize', 'login'])
})

t.test('an error that Sentinel sends back is an answer', async t => {
  const sentinel = await start(t)
  const url = new URL(await sentinel.signIn(sentinel.url + authorizePath({ response_type: 'token' }), loginNames.agent))
  t.equal(url.searchParams.get('error'), 'unsupported_response_type')
})

t.test('a user who cannot sign in, or a page where none should be, is an error', async t => {
  const sentinel = await start(t)
  const url = sentinel.url + authorizePath({})
  await t.rejects(sentinel.signIn(url, 'nobody'), { message: /account 12345678 has no user nobody/ })
  await t.rejects(sentinel.signIn(url, loginNames.disabled), { message: /a page with status 401\. \w.*\.$/ })
  await t.rejects(sentinel.signIn(sentinel.url + authorizePath({ client_id: 'x' }), loginNames.agent), { message: /a page with status 401\. \w/ })
  await t.rejects(sentinel.signIn(sentinel.url + authorizePath({ redirect_uri: 'http://localhost:4321/callback' }), loginNames.agent), { message: /status 400\. .*Add it to redirectUris/ })
  await t.rejects(sentinel.signIn(sentinel.url, loginNames.agent), { message: /has no user/ })
  sentinel.next('authorize', { status: 503, body: 'down' })
  await t.rejects(sentinel.signIn(url, loginNames.agent), { message: /a page with status 503/ })
})
