import t from 'tap'
import {
  Browser,
  Clock,
  HOUR,
  MINUTE,
  accountId,
  authorizePath,
  exchange,
  locationOf,
  loginNames,
  password,
  redirectUri,
  refresh,
  secondAccountId,
  start,
  tokensOf
} from './support.ts'

const STATE = 'ü & "=?#%/+ a'

t.test('a login returns with a code and the state', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const redirect = await browser.get(authorizePath({ state: STATE }))
  t.equal(redirect.status, 302)
  t.match(redirect.headers.getSetCookie(), [
    /^ibs_id=[0-9a-f]{64}; Max-Age=600; Path=\/sentinel; HttpOnly; SameSite=Lax$/
  ])
  t.match(locationOf(redirect), /^\/sentinel\/login\?request=[0-9a-f]{64}$/)

  const page = await browser.get(locationOf(redirect))
  t.equal(page.status, 200)

  const back = await browser.post(locationOf(redirect), { username: loginNames.agent, password })
  t.equal(back.status, 303)
  t.match(back.headers.getSetCookie(), [
    /^sentinel_session_12345678=[0-9a-f]{64}; Path=\/sentinel; HttpOnly; SameSite=Lax$/
  ])
  const url = new URL(locationOf(back))
  t.equal(url.origin + url.pathname, redirectUri)
  t.same([...url.searchParams.keys()], ['code', 'state'])
  t.equal(url.searchParams.get('state'), STATE)
})

t.test('an authorization request by POST has its parameters in the query', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const redirect = await browser.post(authorizePath())
  t.equal(redirect.status, 302)
  t.match(locationOf(redirect), /^\/sentinel\/login\?/)
})

t.test('the redirect URI keeps its own query, and a missing state is not added', async t => {
  const sentinel = await start(t)
  const uri = 'http://localhost:3000/callback?tenant=7'
  sentinel.accounts[0]?.applications[0]?.redirectUris.push(uri)
  const url = await new Browser(sentinel).signIn(undefined, { redirect_uri: uri, state: undefined })
  t.same([...url.searchParams.keys()], ['tenant', 'code'])
})

t.test('a browser with a single sign-on session gets a code without the login page', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const first = await browser.signIn()
  const again = await browser.get(authorizePath({ state: STATE }))
  const url = new URL(locationOf(again))
  t.equal(again.status, 302)
  t.equal(url.searchParams.get('state'), STATE)
  t.not(url.searchParams.get('code'), first.searchParams.get('code'))
})

t.test('a single sign-on session is valid only for its account and an enabled user', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  await browser.signIn()
  t.match(await browser.openLogin({}, secondAccountId), /^\/sentinel\/login\?/)

  const [first, second] = sentinel.accounts
  second?.users.push(...(first?.users ?? []))
  const stolen = new Browser(sentinel)
  const cookie = browser.cookies.get(`sentinel_session_${accountId}`) ?? ''
  stolen.cookies.set(`sentinel_session_${secondAccountId}`, cookie)
  t.match(
    await stolen.openLogin({}, secondAccountId),
    /^\/sentinel\/login\?/,
    'the same user id in another account'
  )

  const user = sentinel.accounts[0]?.users.find(({ loginName }) => loginName === loginNames.agent)
  if (user) user.enabled = false
  t.match(await browser.openLogin(), /^\/sentinel\/login\?/)
})

t.test('a single sign-on session expires after eight hours', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const browser = new Browser(sentinel)
  await browser.signIn()
  clock.pass(8 * HOUR - MINUTE)
  t.match(await browser.openLogin(), /\?code=/)
  clock.pass(MINUTE)
  t.match(await browser.openLogin(), /^\/sentinel\/login\?/)
})

t.test('a refresh extends the single sign-on session of its login', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const browser = new Browser(sentinel)
  const code = (await browser.signIn()).searchParams.get('code') ?? ''
  const { refresh_token: token } = await tokensOf(await exchange(sentinel, code))
  clock.pass(7 * HOUR)
  t.equal((await refresh(sentinel, token)).status, 200)
  clock.pass(7 * HOUR)
  t.match(await browser.openLogin(), /\?code=/)
  clock.pass(HOUR)
  t.match(await browser.openLogin(), /^\/sentinel\/login\?/)
})
