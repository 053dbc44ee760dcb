import t from 'tap'
import { authorizePath, loginNames, redirectUri, start } from './support.ts'

t.test('signIn turns an authorization URL into a callback URL with a code and state', async t => {
  const sentinel = await start(t)
  const authorizationUrl = sentinel.url + authorizePath({ state: 'xyz' })
  const url = new URL(await sentinel.signIn(authorizationUrl, loginNames.agent))
  t.equal(url.origin + url.pathname, redirectUri)
  t.equal(url.searchParams.get('state'), 'xyz')
  t.match(url.searchParams.get('code'), /^\w{20,}$/)
  t.same(
    sentinel.requests.map(({ endpoint }) => endpoint),
    ['authorize', 'login']
  )
})

t.test('signIn returns the callback URL if Sentinel sends an error to the app', async t => {
  const sentinel = await start(t)
  const authorizationUrl = sentinel.url + authorizePath({ response_type: 'token' })
  const url = new URL(await sentinel.signIn(authorizationUrl, loginNames.agent))
  t.equal(url.searchParams.get('error'), 'unsupported_response_type')
})

t.test('signIn rejects if the user cannot log in or Sentinel shows a page', async t => {
  const sentinel = await start(t)
  const url = sentinel.url + authorizePath({})
  const wrongClient = sentinel.url + authorizePath({ client_id: 'x' })
  const wrongUri = sentinel.url + authorizePath({ redirect_uri: 'http://localhost:4321/callback' })
  const { agent, disabled } = loginNames
  const rejects = async (url: string, loginName: string, message: RegExp) =>
    await t.rejects(sentinel.signIn(url, loginName), { message })

  await rejects(url, 'unknown', /account 12345678 has no user unknown/)
  await rejects(sentinel.url, agent, /has no user/)
  await rejects(url, disabled, /a page with status 401\. \w.*\.$/)
  await rejects(wrongClient, agent, /a page with status 401\. \w/)
  await rejects(wrongUri, agent, /a page with status 400\. .*Add it to redirectUris/)
  sentinel.next('authorize', { status: 503, body: 'down' })
  await rejects(url, agent, /a page with status 503/)
})
