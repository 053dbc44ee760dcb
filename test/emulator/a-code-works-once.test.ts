import t from 'tap'
import {
  Clock, MINUTE, callApi, clientId, errorOf, exchange, loginNames, newCode, refresh, secondAccountId, start, tokensOf,
  redirectUri
} from './support.js'

t.test('a code works once, and a second use ends what the first gave', async t => {
  const sentinel = await start(t)
  const code = await newCode(sentinel)
  const first = await tokensOf(await exchange(sentinel, code))
  t.equal((await callApi(sentinel, first.access_token)).status, 200)

  t.equal(await errorOf(await exchange(sentinel, code)), '400 invalid_grant')
  t.equal((await callApi(sentinel, first.access_token)).status, 401)
  t.equal(await errorOf(await refresh(sentinel, first.refresh_token)), '400 invalid_grant')

  sentinel.behaviour.usedCodeError = 'invalid_client'
  t.equal(await errorOf(await exchange(sentinel, code)), '401 invalid_client')
})

t.test('of two exchanges at the same time one succeeds', async t => {
  const sentinel = await start(t)
  const code = await newCode(sentinel)
  const answers = await Promise.all([exchange(sentinel, code), exchange(sentinel, code)])
  t.same(answers.map(({ status }) => status).sort(), [200, 400])
})

t.test('a code lives a minute, or as long as it is told', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const codes = [await newCode(sentinel), await newCode(sentinel)] as const
  clock.pass(MINUTE - 1)
  t.equal((await exchange(sentinel, codes[0])).status, 200)
  clock.pass(1)
  t.equal(await errorOf(await exchange(sentinel, codes[1])), '400 invalid_grant')

  sentinel.lifetimes.code = 5 * MINUTE
  const longer = await newCode(sentinel)
  clock.pass(5 * MINUTE - 1)
  t.equal((await exchange(sentinel, longer)).status, 200)
})

t.test('a code belongs to its application, account, redirect URI and user', async t => {
  const sentinel = await start(t)
  const [account] = sentinel.accounts
  account?.applications.push({
    clientId: 'other', clientSecret: 'other secret', clientName: 'Other', redirectUris: [redirectUri], enabled: true
  })
  const refused = async (changes: Record<string, string | undefined>, account?: string) =>
    await errorOf(await exchange(sentinel, await newCode(sentinel), changes, undefined, account))

  t.equal(await refused({ client_id: 'other', client_secret: 'other secret' }), '400 invalid_grant')
  t.equal(await refused({}, secondAccountId), '400 invalid_grant')
  t.equal(await refused({ redirect_uri: 'http://127.0.0.1:3000/callback' }), '400 invalid_grant')
  t.equal(await refused({ redirect_uri: undefined }), '400 invalid_grant')
  t.equal(await refused({ code: 'unknown' }), '400 invalid_grant')
  t.equal(await refused({ code: undefined }), '400 invalid_request')

  const code = await newCode(sentinel)
  const user = account?.users.find(({ loginName }) => loginName === loginNames.agent)
  if (user) user.enabled = false
  t.equal(await errorOf(await exchange(sentinel, code)), '400 invalid_grant')
})

t.test('a wrong secret does not use a code up', async t => {
  const sentinel = await start(t)
  const code = await newCode(sentinel)
  t.equal(await errorOf(await exchange(sentinel, code, { client_secret: 'wrong' })), '401 invalid_client')
  t.equal((await exchange(sentinel, code)).status, 200)
})

t.test('a redirect URI left out of the authorization request may be left out again', async t => {
  const sentinel = await start(t)
  sentinel.accounts[0]?.applications[0]?.redirectUris.splice(1)
  const leftOut = async () => await newCode(sentinel, undefined, { redirect_uri: undefined, client_id: clientId })
  t.equal((await exchange(sentinel, await leftOut(), { redirect_uri: undefined })).status, 200)
  t.equal((await exchange(sentinel, await leftOut())).status, 200, 'or be named')
  t.equal(await errorOf(await exchange(sentinel, await leftOut(), { redirect_uri: 'http://other/' })), '400 invalid_grant')
})
