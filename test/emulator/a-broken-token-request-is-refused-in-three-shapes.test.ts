import t from 'tap'
import {
  clientSecret,
  errorOf,
  exchange,
  newCode,
  postClientForm,
  start,
  type Changes
} from './support.ts'

t.test('a malformed token request is refused, and does not use up the code', async t => {
  const sentinel = await start(t)
  const code = await newCode(sentinel)
  const refused = async (changes: Changes, path?: string, account?: string) =>
    await errorOf(exchange(sentinel, code, changes, path, account))

  t.equal(await refused({}, 'token'), '400 invalid_request', 'a missing version')
  t.equal(await refused({}, 'token?v=3.0'), '400 invalid_request', 'an unknown version')
  t.equal(
    await refused({}, `token?v=1.0&client_secret=${clientSecret}`),
    '400 invalid_request',
    'client_secret in the query'
  )
  t.equal(await refused({ grant_type: undefined }), '400 invalid_request')
  t.equal(await refused({ grant_type: 'password' }), '400 unsupported_grant_type')
  t.equal(await refused({ client_secret: undefined }), '401 invalid_client')
  t.equal(await refused({ client_id: undefined }), '401 invalid_client')
  t.equal(await refused({}, undefined, '99'), '401 invalid_client', 'an unknown account')

  const send = async (body: string, type: string) =>
    await errorOf(
      fetch(`${sentinel.url}/sentinel/api/account/12345678/token?v=1.0`, {
        method: 'POST',
        body,
        headers: { 'content-type': type }
      })
    )
  t.equal(await send('{}', 'application/json'), '400 invalid_request', 'a JSON body')
  t.equal(
    await send('code=1&code=2', 'application/x-www-form-urlencoded'),
    '400 invalid_request',
    'a repeated parameter'
  )
  t.equal((await exchange(sentinel, code)).status, 200, 'the code still works')
})

t.test('an error of the token endpoint has one of three shapes', async t => {
  const sentinel = await start(t)
  const fail = async () => await postClientForm(sentinel, { grant_type: 'password' })
  t.same(await (await fail()).json(), {
    error: 'unsupported_grant_type',
    error_description: 'only authorization_code and refresh_token are supported'
  })
  sentinel.behaviour.errorBody = 'nested'
  t.same(await (await fail()).json(), {
    error: { statusCode: 400, message: 'only authorization_code and refresh_token are supported' }
  })
  sentinel.behaviour.errorBody = 'html'
  const page = await fail()
  t.equal(page.status, 400)
  t.match(page.headers.get('content-type'), 'text/html')
  t.match(await page.text(), '<h1>HTTP Status 400</h1>')
})

t.test('an error that is not an OAuth error keeps its own status', async t => {
  const sentinel = await start(t)
  t.equal((await postClientForm(sentinel, { code: 'x'.repeat(1_100_000) })).status, 413)
})
