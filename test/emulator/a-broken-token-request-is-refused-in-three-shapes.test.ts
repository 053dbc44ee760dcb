import t from 'tap'
import { clientSecret, errorOf, exchange, newCode, postClientForm, start } from './support.js'

t.test('a broken token request is refused', async t => {
  const sentinel = await start(t)
  const code = await newCode(sentinel)
  const refused = async (changes: Record<string, string | undefined>, path?: string, account?: string) =>
    await errorOf(await exchange(sentinel, code, changes, path, account))

  t.equal(await refused({}, 'token'), '400 invalid_request', 'no version')
  t.equal(await refused({}, 'token?v=3.0'), '400 invalid_request', 'unknown version')
  t.equal(await refused({}, `token?v=1.0&client_secret=${clientSecret}`), '400 invalid_request', 'secret in the query')
  t.equal(await refused({ grant_type: undefined }), '400 invalid_request')
  t.equal(await refused({ grant_type: 'password' }), '400 unsupported_grant_type')
  t.equal(await refused({ client_secret: undefined }), '401 invalid_client')
  t.equal(await refused({ client_id: undefined }), '401 invalid_client')
  t.equal(await refused({}, undefined, '99'), '401 invalid_client', 'unknown account')

  const send = async (body: string, type: string) => await errorOf(await fetch(
    `${sentinel.url}/sentinel/api/account/12345678/token?v=1.0`,
    { method: 'POST', body, headers: { 'content-type': type } }
  ))
  t.equal(await send('{}', 'application/json'), '400 invalid_request', 'JSON is not a form')
  t.equal(await send('code=1&code=2', 'application/x-www-form-urlencoded'), '400 invalid_request', 'repeated')
  t.equal((await exchange(sentinel, code)).status, 200, 'none of all this has used the code up')
})

t.test('errors come in three shapes', async t => {
  const sentinel = await start(t)
  const fail = async () => await postClientForm(sentinel, { grant_type: 'password' })
  t.same(await (await fail()).json(), {
    error: 'unsupported_grant_type', error_description: 'only authorization_code and refresh_token are supported'
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

t.test('what is no protocol error keeps its own status', async t => {
  const sentinel = await start(t)
  t.equal((await postClientForm(sentinel, { code: 'x'.repeat(1_100_000) })).status, 413)
})
