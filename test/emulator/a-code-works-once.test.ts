import t from 'tap'
import {
  Clock,
  MINUTE,
  addOtherApplication,
  callApi,
  clientId,
  errorOf,
  exchange,
  loginNames,
  newCode,
  refresh,
  secondAccountId,
  start,
  tokensOf,
  type Changes
} from './support.ts'

t.test('a code works once, and its second use ends the tokens of the first', async t => {
  const sentinel = await start(t)
  const code = await newCode(sentinel)
  const first = await tokensOf(await exchange(sentinel, code))
  t.equal((await callApi(sentinel, first.access_token)).status, 200)

  t.equal(await errorOf(exchange(sentinel, code)), '400 invalid_grant')
  t.equal((await callApi(sentinel, first.access_token)).status, 401)
  t.equal(await errorOf(refresh(sentinel, first.refresh_token)), '400 invalid_grant')

  sentinel.behaviour.usedCodeError = 'invalid_client'
  t.equal(await errorOf(exchange(sentinel, code)), '401 invalid_client')
})

t.test('only one of two concurrent exchanges of a code succeeds', async t => {
  const sentinel = await start(t)
  const code = await newCode(sentinel)
  const responses = await Promise.all([exchange(sentinel, code), exchange(sentinel, code)])
  t.same(responses.map(({ status }) => status).sort(), [200, 400])
})

t.test('a code is valid for a minute, or for lifetimes.code', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const codes = [await newCode(sentinel), await newCode(sentinel)] as const
  clock.pass(MINUTE - 1)
  t.equal((await exchange(sentinel, codes[0])).status, 200)
  clock.pass(1)
  t.equal(await errorOf(exchange(sentinel, codes[1])), '400 invalid_grant')

  sentinel.lifetimes.code = 5 * MINUTE
  const longer = await newCode(sentinel)
  clock.pass(5 * MINUTE - 1)
  t.equal((await exchange(sentinel, longer)).status, 200)
})

t.test('a code is valid only for its application, account, redirect URI and user', async t => {
  const sentinel = await start(t)
  const [account] = sentinel.accounts
  const other = addOtherApplication(sentinel)
  const refused = async (changes: Changes, account?: string) =>
    await errorOf(exchange(sentinel, await newCode(sentinel), changes, undefined, account))

  t.equal(await refused(other), '400 invalid_grant')
  t.equal(await refused({}, secondAccountId), '400 invalid_grant')
  t.equal(await refused({ redirect_uri: 'http://127.0.0.1:3000/callback' }), '400 invalid_grant')
  t.equal(await refused({ redirect_uri: undefined }), '400 invalid_grant')
  t.equal(await refused({ code: 'unknown' }), '400 invalid_grant')
  t.equal(await refused({ code: undefined }), '400 invalid_request')

  const code = await newCode(sentinel)
  const user = account?.users.find(({ loginName }) => loginName === loginNames.agent)
  if (user) user.enabled = false
  t.equal(await errorOf(exchange(sentinel, code)), '400 invalid_grant')
})

t.test('an exchange with a wrong client secret does not use up the code', async t => {
  const sentinel = await start(t)
  const code = await newCode(sentinel)
  const wrong = { client_secret: 'wrong' }
  t.equal(await errorOf(exchange(sentinel, code, wrong)), '401 invalid_client')
  t.equal((await exchange(sentinel, code)).status, 200)
})

t.test('a token request may omit the redirect URI if the authorization request did', async t => {
  const sentinel = await start(t)
  sentinel.accounts[0]?.applications[0]?.redirectUris.splice(1)
  const omitted = { redirect_uri: undefined }
  const codeWithoutUri = async () =>
    await newCode(sentinel, undefined, { ...omitted, client_id: clientId })
  t.equal((await exchange(sentinel, await codeWithoutUri(), omitted)).status, 200)
  const sent = await exchange(sentinel, await codeWithoutUri())
  t.equal(sent.status, 200, 'the token request may send it')
  const other = { redirect_uri: 'http://other/' }
  t.equal(await errorOf(exchange(sentinel, await codeWithoutUri(), other)), '400 invalid_grant')
})
