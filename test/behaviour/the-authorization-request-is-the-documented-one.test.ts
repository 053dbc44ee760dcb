import { createHash } from 'node:crypto'
import t from 'tap'
import { startSentinelEmulator } from '../../lib/emulator/index.ts'
import { startApp } from '../support/app.ts'
import { Clock, MINUTE, SECOND } from '../support/clock.ts'
import { AGENT, logIn, signIn } from '../support/login.ts'

t.test('GET /login redirects to authorize with the documented parameters, each once.', async t => {
  const app = await startApp(t)
  const response = await app.browser().step(app.url('/login'))
  t.equal(response.status, 302)
  t.equal(response.headers['cache-control'], 'no-store')
  t.equal(response.headers['referrer-policy'], 'no-referrer')
  const url = new URL(response.location!)
  t.equal(url.origin + url.pathname, `${app.sentinel.url}/sentinel/api/account/12345678/authorize`)
  t.same(
    [...url.searchParams.keys()],
    [
      'v',
      'response_type',
      'client_id',
      'redirect_uri',
      'state',
      'code_challenge',
      'code_challenge_method'
    ]
  )
  t.equal(url.searchParams.get('v'), '1.0')
  t.equal(url.searchParams.get('response_type'), 'code')
  t.equal(url.searchParams.get('client_id'), app.sentinel.accounts[0]!.applications[0]!.clientId)
  t.equal(url.searchParams.get('redirect_uri'), app.redirectUri)
  t.equal(url.searchParams.get('code_challenge_method'), 'S256')
  t.match(url.searchParams.get('state'), /^[\w-]{43}$/, '256 bits')
})

t.test('Nothing that a visitor adds to /login reaches Sentinel.', async t => {
  const app = await startApp(t)
  const added =
    'state=evil&redirect_uri=https://evil.example&client_id=x&response_type=token&scope=admin&nonce=1&response_mode=fragment&prompt=none&accountId=99'
  const response = await app
    .browser()
    .step(
      app.url(
        `/login?${added}&returnTo=${encodeURIComponent('/a&redirect_uri=https://evil.example')}`
      )
    )
  const url = new URL(response.location!)
  t.same(
    [...url.searchParams.keys()],
    [
      'v',
      'response_type',
      'client_id',
      'redirect_uri',
      'state',
      'code_challenge',
      'code_challenge_method'
    ]
  )
  t.notMatch(response.location, /evil/)
})

t.test('States differ from each other and reveal nothing.', async t => {
  const app = await startApp(t)
  const states = new Set<string>()
  for (let i = 0; i < 100; i += 1) {
    const response = await app.browser().step(app.url('/login?returnTo=/secret-place'))
    states.add(new URL(response.location!).searchParams.get('state')!)
  }
  t.equal(states.size, 100)
  t.notOk(
    [...states].some(state =>
      Buffer.from(state, 'base64url').toString('latin1').includes('secret-place')
    )
  )
})

t.test('The PKCE verifier of the token request belongs to the challenge.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const authorize = app.sentinel.requests.find(request => request.endpoint === 'authorize')!
  const token = app.sentinel.requests.find(request => request.endpoint === 'token')!
  const verifier = token.body!.get('code_verifier')!
  t.equal(
    createHash('sha256').update(verifier).digest('base64url'),
    authorize.query.get('code_challenge')
  )
})

t.test('The token request is the documented one, with the secret only in the body.', async t => {
  const app = await startApp(t)
  await logIn(app, app.browser())
  const { path, query, body, headers, method } = app.sentinel.requests.find(
    request => request.endpoint === 'token'
  )!
  t.equal(method, 'POST')
  t.equal(path, '/sentinel/api/account/12345678/token')
  t.equal(query.toString(), 'v=1.0')
  t.equal(headers['content-type'], 'application/x-www-form-urlencoded;charset=UTF-8')
  t.equal(headers.authorization, undefined)
  t.same([...body!.keys()].sort(), [
    'client_id',
    'client_secret',
    'code',
    'code_verifier',
    'grant_type',
    'redirect_uri'
  ])
  t.equal(body!.get('redirect_uri'), app.redirectUri)
})

t.test('The options pkce, scope and apiVersion do what they say.', async t => {
  const app = await startApp(t, {
    options: { pkce: false, scope: 'one two', apiVersion: { authorize: '1.0', token: '2.0' } }
  })
  const browser = app.browser()
  t.equal((await logIn(app, browser)).status, 200)
  const authorize = app.sentinel.requests.find(request => request.endpoint === 'authorize')!
  t.equal(authorize.query.get('scope'), 'one two')
  t.notOk(authorize.query.has('code_challenge'))
  const token = app.sentinel.requests.find(request => request.endpoint === 'token')!
  t.equal(token.query.toString(), 'v=2.0')
  t.notOk(token.body!.has('code_verifier'))
})

t.test(
  'The code goes to the Sentinel host where the login began, even if the next login begins ' +
    'at another host.',
  async t => {
    const clock = new Clock()
    const app = await startApp(t, { options: { now: clock.now }, emulator: { now: clock.now } })
    const other = await startApp(t)
    const browser = app.browser()
    const authorizeUrl = (await browser.step(app.url('/login'))).location!
    app.sentinel.always('domain', {
      change: response => ({ ...response, baseURI: other.sentinel.host })
    })
    clock.advance(9 * MINUTE)
    t.equal(
      new URL((await app.browser().step(app.url('/login'))).location!).host,
      app.sentinel.host,
      'the host is still remembered'
    )
    clock.advance(61 * SECOND)
    t.equal(
      new URL((await app.browser().step(app.url('/login'))).location!).host,
      other.sentinel.host,
      'the host is looked up again'
    )
    // Sentinel's login page expires after ten minutes, our transaction after fifteen: the same
    // request opens a new page.
    await signIn(browser, await browser.navigate(authorizeUrl), AGENT.loginName)
    t.equal(app.calls('token'), 1)
    t.equal(other.calls('token'), 0)
  }
)

t.test('An app that sets sentinelDomain makes no Domain API look-up.', async t => {
  const sentinel = await startSentinelEmulator()
  t.teardown(() => sentinel.close())
  const app = await startApp(t, { sentinel, options: { sentinelDomain: sentinel.host } })
  t.equal((await logIn(app, app.browser())).status, 200)
  t.equal(app.calls('domain'), 0)
})

t.test('A HEAD request begins no login and no logout.', async t => {
  const app = await startApp(t)
  for (const path of ['/login', '/callback', '/logout']) {
    const response = await app.browser().send(app.url(path), { method: 'HEAD' })
    t.equal(response.status, path === '/login' ? 404 : 405, path)
    t.same(response.setCookies, [], path)
  }
})
