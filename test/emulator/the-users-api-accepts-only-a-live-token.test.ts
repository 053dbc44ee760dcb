import t from 'tap'
import { Clock, HOUR, callApi, loginNames, newTokens, secondAccountId, start } from './support.ts'

t.test('the Users API shows users and status reasons for a live token', async t => {
  const sentinel = await start(t)
  const { access_token: token } = await newTokens(sentinel)

  const list = (await (await callApi(sentinel, token)).json()) as Record<string, unknown>[]
  t.equal(list.length, 8)
  t.same(list[0], {
    id: '3562186410',
    pid: 'emulated-3562186410',
    deleted: false,
    loginName: 'maya.osei',
    fullName: 'Maya Osei',
    nickname: 'Maya',
    email: 'maya.osei@example.com',
    isEnabled: true,
    profileIds: [2],
    skillIds: [],
    isApiUser: false,
    userTypeId: 1
  })
  t.same(
    list.slice(0, 4).map(({ profileIds }) => profileIds),
    [[2], [1], [5], [2]]
  )
  t.equal(list[3]?.isEnabled, false)

  const one = await callApi(sentinel, token, 'le-users/users/3562186411')
  t.hasStrict(await one.json(), { fullName: 'Henrik Dahl' })
  t.equal((await callApi(sentinel, token, 'le-users/users/1')).status, 404)
  const reasons = await callApi(sentinel, token, 'le-agents/status-reasons')
  t.match(await reasons.json(), [{ id: 1, text: 'Lunch' }])
})

t.test('the Users API refuses a missing, unknown or expired token', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const { access_token: token } = await newTokens(sentinel)

  t.equal((await callApi(sentinel, token, 'le-users/users', secondAccountId)).status, 403)
  for (const path of ['le-users/users', 'le-users/users/3562186411', 'le-agents/status-reasons']) {
    const response = await callApi(sentinel, 'unknown', path)
    t.equal(response.status, 401)
    t.hasStrict(await response.json(), { error: { statusCode: 401 } })
    const bare = await fetch(`${sentinel.url}/api/account/12345678/configuration/${path}`)
    t.equal(bare.status, 401, 'a request without a token')
  }

  clock.pass(HOUR - 1)
  t.equal((await callApi(sentinel, token)).status, 200)
  clock.pass(1)
  t.equal((await callApi(sentinel, token)).status, 401)
})

t.test('expireAccessTokens ends the access tokens of one user, or of all users', async t => {
  const sentinel = await start(t)
  const mine = await newTokens(sentinel)
  const admins = await newTokens(sentinel, loginNames.administrator)
  sentinel.expireAccessTokens('3562186410')
  t.equal((await callApi(sentinel, mine.access_token)).status, 401)
  t.equal((await callApi(sentinel, admins.access_token)).status, 200)
  sentinel.expireAccessTokens()
  t.equal((await callApi(sentinel, admins.access_token)).status, 401)
})

t.test('the Users API refuses the token of a disabled user', async t => {
  const sentinel = await start(t)
  const { access_token: token } = await newTokens(sentinel)
  const [user] = sentinel.accounts[0]?.users ?? []
  if (user) user.enabled = false
  t.equal((await callApi(sentinel, token)).status, 401)
})
