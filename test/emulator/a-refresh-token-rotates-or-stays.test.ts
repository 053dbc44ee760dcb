import t from 'tap'
import {
  Clock, HOUR, callApi, errorOf, loginNames, newTokens, redirectUri, refresh, secondAccountId, start, tokensOf
} from './support.js'

t.test('a refresh token rotates, and its reuse ends the family', async t => {
  const sentinel = await start(t)
  const old = await newTokens(sentinel)
  const fresh = await tokensOf(await refresh(sentinel, old.refresh_token))
  t.not(fresh.refresh_token, old.refresh_token)
  t.not(fresh.access_token, old.access_token)
  t.equal((await callApi(sentinel, old.access_token)).status, 200, 'an access token outlives the refresh')
  t.equal((await callApi(sentinel, fresh.access_token)).status, 200)

  const others = await newTokens(sentinel)
  t.equal(await errorOf(await refresh(sentinel, old.refresh_token)), '400 invalid_grant')
  t.equal(await errorOf(await refresh(sentinel, fresh.refresh_token)), '400 invalid_grant')
  t.equal((await callApi(sentinel, fresh.access_token)).status, 401)
  t.equal((await refresh(sentinel, others.refresh_token)).status, 200, 'another login of the same user is another family')
})

t.test('reuse may leave the family alone', async t => {
  const sentinel = await start(t, { behaviour: { reuseKillsFamily: false } })
  const old = await newTokens(sentinel)
  const fresh = await tokensOf(await refresh(sentinel, old.refresh_token))
  t.equal(await errorOf(await refresh(sentinel, old.refresh_token)), '400 invalid_grant')
  t.equal((await refresh(sentinel, fresh.refresh_token)).status, 200)
})

t.test('a replaced refresh token may go on working', async t => {
  const sentinel = await start(t, { behaviour: { oldRefreshTokenDies: false } })
  const old = await newTokens(sentinel)
  const fresh = await tokensOf(await refresh(sentinel, old.refresh_token))
  t.not(fresh.refresh_token, old.refresh_token)
  t.equal((await refresh(sentinel, old.refresh_token)).status, 200)
})

t.test('without rotation the same refresh token comes back and works on', async t => {
  const sentinel = await start(t, { behaviour: { rotateRefreshToken: false } })
  const old = await newTokens(sentinel)
  const fresh = await tokensOf(await refresh(sentinel, old.refresh_token))
  t.equal(fresh.refresh_token, old.refresh_token)
  t.not(fresh.access_token, old.access_token)
  t.equal((await refresh(sentinel, old.refresh_token)).status, 200)
})

t.test('a refresh token ends with its lifetime, its user, or by hand', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const old = await newTokens(sentinel)
  clock.pass(8 * HOUR)
  t.equal(await errorOf(await refresh(sentinel, old.refresh_token)), '400 invalid_grant')

  const mine = await newTokens(sentinel)
  const admins = await newTokens(sentinel, loginNames.administrator)
  sentinel.expireRefreshTokens('3562186410')
  t.equal(await errorOf(await refresh(sentinel, mine.refresh_token)), '400 invalid_grant')
  t.equal((await callApi(sentinel, mine.access_token)).status, 200)
  const admins2 = await tokensOf(await refresh(sentinel, admins.refresh_token))
  sentinel.expireRefreshTokens()
  t.equal(await errorOf(await refresh(sentinel, admins2.refresh_token)), '400 invalid_grant')

  const disabled = await newTokens(sentinel)
  const user = sentinel.accounts[0]?.users[0]
  if (user) user.enabled = false
  t.equal(await errorOf(await refresh(sentinel, disabled.refresh_token)), '400 invalid_grant')
})

t.test('a refresh token belongs to its application and account', async t => {
  const sentinel = await start(t)
  sentinel.accounts[0]?.applications.push({
    clientId: 'other', clientSecret: 'other secret', clientName: 'Other', redirectUris: [redirectUri], enabled: true
  })
  const { refresh_token: token } = await newTokens(sentinel)
  const other = { client_id: 'other', client_secret: 'other secret' }
  t.equal(await errorOf(await refresh(sentinel, token, other)), '400 invalid_grant')
  t.equal(await errorOf(await refresh(sentinel, token, {}, secondAccountId)), '400 invalid_grant')
  t.equal(await errorOf(await refresh(sentinel, '')), '400 invalid_request')
  sentinel.accounts.shift()
  t.equal(await errorOf(await refresh(sentinel, token)), '401 invalid_client', 'its account is gone')
})
