import t from 'tap'
import {
  Browser, callApi, errorOf, exchange, loginNames, newCode, newTokens, postClientForm,
  redirectUri, refresh, secondAccountId, start, tokensOf
} from './support.js'

const REVOKE = 'token/revoke?v=1.0'

t.test('revocation ends every session of the user', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const code = (await browser.signIn()).searchParams.get('code') ?? ''
  const mine = await tokensOf(await exchange(sentinel, code))
  const elsewhere = await newTokens(sentinel)
  const unused = await newCode(sentinel)
  const admin = new Browser(sentinel)
  await admin.signIn(loginNames.administrator)
  const admins = await newTokens(sentinel, loginNames.administrator)

  const response = await postClientForm(sentinel, { token: mine.refresh_token }, REVOKE)
  t.equal(response.status, 200)
  t.equal(await response.text(), '')

  for (const tokens of [mine, elsewhere]) {
    t.equal((await callApi(sentinel, tokens.access_token)).status, 401)
    t.equal(await errorOf(await refresh(sentinel, tokens.refresh_token)), '400 invalid_grant')
  }
  t.equal(await errorOf(await exchange(sentinel, unused)), '400 invalid_grant')
  t.match(await browser.openLogin(), /^\/sentinel\/login/)

  t.equal((await callApi(sentinel, admins.access_token)).status, 200)
  t.equal((await refresh(sentinel, admins.refresh_token)).status, 200)
  t.match(await admin.openLogin(), /\?code=/)
})

t.test('revokeUser does the same', async t => {
  const sentinel = await start(t)
  const tokens = await newTokens(sentinel)
  sentinel.revokeUser('12345678', '3562186410')
  t.equal((await callApi(sentinel, tokens.access_token)).status, 401)
  t.equal(await errorOf(await refresh(sentinel, tokens.refresh_token)), '400 invalid_grant')
})

t.test('revocation of what is not the caller\'s changes nothing', async t => {
  const sentinel = await start(t)
  sentinel.accounts[0]?.applications.push({
    clientId: 'other', clientSecret: 'other secret', clientName: 'Other', redirectUris: [redirectUri], enabled: true
  })
  const tokens = await newTokens(sentinel)
  const others = { token: tokens.refresh_token, client_id: 'other', client_secret: 'other secret' }
  t.equal((await postClientForm(sentinel, others, REVOKE)).status, 200)
  const [first, second] = sentinel.accounts
  second?.users.push(...first?.users ?? [])
  t.equal((await postClientForm(sentinel, { token: tokens.refresh_token }, REVOKE, secondAccountId)).status, 200)
  sentinel.revokeUser(secondAccountId, '3562186410')
  t.equal((await postClientForm(sentinel, { token: 'unknown' }, REVOKE)).status, 200)
  t.equal((await callApi(sentinel, tokens.access_token)).status, 200)

  const token = tokens.refresh_token
  t.equal(await errorOf(await postClientForm(sentinel, {}, REVOKE)), '400 invalid_request')
  t.equal(await errorOf(await postClientForm(sentinel, { token, client_secret: 'x' }, REVOKE)), '401 invalid_client')
  t.equal(await errorOf(await postClientForm(sentinel, { token }, 'token/revoke?v1.0')), '400 invalid_request')
  t.equal(await errorOf(await postClientForm(sentinel, { token }, 'token/revoke?v=2.0')), '400 invalid_request')
  t.equal((await callApi(sentinel, tokens.access_token)).status, 200)
})
