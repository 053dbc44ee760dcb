import t from 'tap'
import {
  Clock,
  HOUR,
  addOtherApplication,
  callApi,
  errorOf,
  loginNames,
  newTokens,
  refresh,
  secondAccountId,
  start,
  tokensOf
} from './support.ts'

t.test('a refresh token rotates, and its reuse ends all tokens of the family', async t => {
  const sentinel = await start(t)
  const old = await newTokens(sentinel)
  const fresh = await tokensOf(await refresh(sentinel, old.refresh_token))
  t.not(fresh.refresh_token, old.refresh_token)
  t.not(fresh.access_token, old.access_token)
  t.equal((await callApi(sentinel, old.access_token)).status, 200, 'an access token stays valid')
  t.equal((await callApi(sentinel, fresh.access_token)).status, 200)

  const others = await newTokens(sentinel)
  t.equal(await errorOf(refresh(sentinel, old.refresh_token)), '400 invalid_grant')
  t.equal(await errorOf(refresh(sentinel, fresh.refresh_token)), '400 invalid_grant')
  t.equal((await callApi(sentinel, fresh.access_token)).status, 401)
  t.equal(
    (await refresh(sentinel, others.refresh_token)).status,
    200,
    'another login of the user is another family'
  )
})

t.test('the family survives a reused refresh token if reuseKillsFamily is false', async t => {
  const sentinel = await start(t, { behaviour: { reuseKillsFamily: false } })
  const old = await newTokens(sentinel)
  const fresh = await tokensOf(await refresh(sentinel, old.refresh_token))
  t.equal(await errorOf(refresh(sentinel, old.refresh_token)), '400 invalid_grant')
  t.equal((await refresh(sentinel, fresh.refresh_token)).status, 200)
})

t.test('a replaced refresh token still works if oldRefreshTokenDies is false', async t => {
  const sentinel = await start(t, { behaviour: { oldRefreshTokenDies: false } })
  const old = await newTokens(sentinel)
  const fresh = await tokensOf(await refresh(sentinel, old.refresh_token))
  t.not(fresh.refresh_token, old.refresh_token)
  t.equal((await refresh(sentinel, old.refresh_token)).status, 200)
})

t.test('a refresh returns the same refresh token if rotateRefreshToken is false', async t => {
  const sentinel = await start(t, { behaviour: { rotateRefreshToken: false } })
  const old = await newTokens(sentinel)
  const fresh = await tokensOf(await refresh(sentinel, old.refresh_token))
  t.equal(fresh.refresh_token, old.refresh_token)
  t.not(fresh.access_token, old.access_token)
  t.equal((await refresh(sentinel, old.refresh_token)).status, 200)
})

t.test('a refresh token ends if it expires, its user is disabled, or a test ends it', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const old = await newTokens(sentinel)
  clock.pass(8 * HOUR)
  t.equal(await errorOf(refresh(sentinel, old.refresh_token)), '400 invalid_grant')

  const mine = await newTokens(sentinel)
  const admins = await newTokens(sentinel, loginNames.administrator)
  sentinel.expireRefreshTokens('3562186410')
  t.equal(await errorOf(refresh(sentinel, mine.refresh_token)), '400 invalid_grant')
  t.equal((await callApi(sentinel, mine.access_token)).status, 200)
  const admins2 = await tokensOf(await refresh(sentinel, admins.refresh_token))
  sentinel.expireRefreshTokens()
  t.equal(await errorOf(refresh(sentinel, admins2.refresh_token)), '400 invalid_grant')

  const disabled = await newTokens(sentinel)
  const user = sentinel.accounts[0]?.users[0]
  if (user) user.enabled = false
  t.equal(await errorOf(refresh(sentinel, disabled.refresh_token)), '400 invalid_grant')
})

t.test('a refresh token is valid only for its application and account', async t => {
  const sentinel = await start(t)
  const other = addOtherApplication(sentinel)
  const { refresh_token: token } = await newTokens(sentinel)
  t.equal(await errorOf(refresh(sentinel, token, other)), '400 invalid_grant')
  t.equal(await errorOf(refresh(sentinel, token, {}, secondAccountId)), '400 invalid_grant')
  t.equal(await errorOf(refresh(sentinel, '')), '400 invalid_request')
  sentinel.accounts.shift()
  t.equal(await errorOf(refresh(sentinel, token)), '401 invalid_client', 'the account was removed')
})
