import t from 'tap'
import {
  Browser,
  addOtherApplication,
  callApi,
  errorOf,
  exchange,
  loginNames,
  newCode,
  newTokens,
  postClientForm,
  refresh,
  secondAccountId,
  start,
  tokensOf,
  type Changes
} from './support.ts'

const REVOKE = 'token/revoke?v=1.0'

t.test('a revocation ends every token, code and single sign-on session of the user', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const code = (await browser.signIn()).searchParams.get('code') ?? ''
  const mine = await tokensOf(await exchange(sentinel, code))
  const otherTokens = await newTokens(sentinel)
  const unused = await newCode(sentinel)
  const admin = new Browser(sentinel)
  await admin.signIn(loginNames.administrator)
  const admins = await newTokens(sentinel, loginNames.administrator)

  const response = await postClientForm(sentinel, { token: mine.refresh_token }, REVOKE)
  t.equal(response.status, 200)
  t.equal(await response.text(), '')

  for (const tokens of [mine, otherTokens]) {
    t.equal((await callApi(sentinel, tokens.access_token)).status, 401)
    t.equal(await errorOf(refresh(sentinel, tokens.refresh_token)), '400 invalid_grant')
  }
  t.equal(await errorOf(exchange(sentinel, unused)), '400 invalid_grant')
  t.match(await browser.openLogin(), /^\/sentinel\/login/)

  t.equal((await callApi(sentinel, admins.access_token)).status, 200)
  t.equal((await refresh(sentinel, admins.refresh_token)).status, 200)
  t.match(await admin.openLogin(), /\?code=/)
})

t.test('revokeUser ends every token of the user', async t => {
  const sentinel = await start(t)
  const tokens = await newTokens(sentinel)
  sentinel.revokeUser('12345678', '3562186410')
  t.equal((await callApi(sentinel, tokens.access_token)).status, 401)
  t.equal(await errorOf(refresh(sentinel, tokens.refresh_token)), '400 invalid_grant')
})

t.test('a revocation of an unknown token, or by another application, changes nothing', async t => {
  const sentinel = await start(t)
  const other = addOtherApplication(sentinel)
  const tokens = await newTokens(sentinel)
  const token = tokens.refresh_token
  const statusOf = async (form: Changes, account?: string) =>
    (await postClientForm(sentinel, form, REVOKE, account)).status
  t.equal(await statusOf({ token, ...other }), 200)
  const [first, second] = sentinel.accounts
  second?.users.push(...(first?.users ?? []))
  t.equal(await statusOf({ token }, secondAccountId), 200)
  sentinel.revokeUser(secondAccountId, '3562186410')
  t.equal(await statusOf({ token: 'unknown' }), 200)
  t.equal((await callApi(sentinel, tokens.access_token)).status, 200)
})

t.test('a malformed revocation request is refused and ends no token', async t => {
  const sentinel = await start(t)
  const { access_token: accessToken, refresh_token: token } = await newTokens(sentinel)
  const refused = async (form: Changes, path = REVOKE) =>
    await errorOf(postClientForm(sentinel, form, path))
  t.equal(await refused({}), '400 invalid_request')
  t.equal(await refused({ token, client_secret: 'x' }), '401 invalid_client')
  t.equal(await refused({ token }, 'token/revoke?v1.0'), '400 invalid_request')
  t.equal(await refused({ token }, 'token/revoke?v=2.0'), '400 invalid_request')
  t.equal((await callApi(sentinel, accessToken)).status, 200)
})
