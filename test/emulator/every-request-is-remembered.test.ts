import t from 'tap'
import {
  Clock,
  accountId,
  clientId,
  clientSecret,
  newTokens,
  postClientForm,
  redirectUri,
  refresh,
  start
} from './support.ts'

t.test('every request is remembered as it was received', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const { refresh_token: token } = await newTokens(sentinel)
  clock.pass(5)
  sentinel.next('refresh', { status: 500 })
  await refresh(sentinel, token)

  t.same(
    sentinel.requests.map(({ endpoint, method }) => `${method} ${endpoint}`),
    ['GET authorize', 'POST login', 'POST token', 'POST refresh']
  )
  const [authorize, , exchanged, refreshed] = sentinel.requests
  t.equal(authorize?.path, `/sentinel/api/account/${accountId}/authorize`)
  t.equal(authorize?.query.get('redirect_uri'), redirectUri)
  t.notOk('body' in (authorize ?? {}))
  t.equal(exchanged?.query.toString(), 'v=1.0')
  t.match(exchanged?.headers['content-type'], 'application/x-www-form-urlencoded')
  t.same(Object.fromEntries(refreshed?.body ?? []), {
    client_id: clientId,
    client_secret: clientSecret,
    grant_type: 'refresh_token',
    refresh_token: token
  })
  await postClientForm(sentinel, { grant_type: 'refresh_token', token }, 'token/revoke?v=1.0')
  t.equal(
    sentinel.requests.at(-1)?.endpoint,
    'revoke',
    'grant_type matters only at the token endpoint'
  )
  t.equal(refreshed?.at, (exchanged?.at ?? 0) + 5)
})

t.test('the emulator remembers only the last ten thousand requests', async t => {
  const sentinel = await start(t)
  const get = async (number: number) => {
    const path = `/api/account/1/service/baseURI.json?number=${number}`
    await (await fetch(sentinel.url + path)).text()
  }
  await get(0)
  const [first] = sentinel.requests
  if (first) sentinel.requests.push(...new Array(9_999).fill(first))
  await get(1)
  t.equal(sentinel.requests.length, 10_000)
  t.equal(sentinel.requests.at(-1)?.query.get('number'), '1')

  sentinel.requests.length = 0
  await fetch(`${sentinel.url}/api/account/1/service/baseURI.json`)
  t.equal(sentinel.requests[0]?.query.toString(), '')
})
