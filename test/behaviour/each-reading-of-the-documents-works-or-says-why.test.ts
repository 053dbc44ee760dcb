import t from 'tap'
import { isAnonymous, isFreeOf } from '../support/anonymous.js'
import { errorCode, logIn, startApp, upToCallback } from '../support/app.js'
import { MINUTE } from '../support/clock.js'

const MISSING = '502 LE_AUTH_ID_TOKEN_MISSING'
const INVALID = '502 LE_AUTH_SENTINEL_INVALID'
const CLIENT = '502 LE_AUTH_CLIENT_REJECTED'
const CODE = '400 LE_AUTH_CODE_REJECTED'

t.test('the readings of expires_in, issuer and error codes', async t => {
  const app = await startApp(t)
  for (const expiresIn of ['number', 'string', 'absent'] as const) {
    for (const issuer of ['sentinel', 'Sentinel'] as const) {
      Object.assign(app.sentinel.behaviour, { expiresIn, issuer })
      const browser = app.browser()
      await logIn(app, browser)
      const { expiresAt } = (await browser.script(app.url('/token'))).json()
      if (expiresIn === 'absent') t.equal(expiresAt, null)
      else t.ok(Math.abs(new Date(expiresAt).getTime() - Date.now() - 60 * MINUTE) < 30_000, `${expiresIn} ${issuer}: an hour`)
    }
  }
})

t.test('without an id_token the error names apiVersion.token, and that setting helps', async t => {
  const app = await startApp(t, { emulator: { behaviour: { idToken: 'v2-only' } } })
  const browser = app.browser()
  const answer = await logIn(app, browser)
  t.equal(`${answer.status} ${errorCode(answer)}`, MISSING)
  t.match(answer.text, /apiVersion\.token/)
  await isAnonymous(t, app, browser)

  const other = await startApp(t, { sentinel: app.sentinel, options: { apiVersion: { token: '2.0' } } })
  const luckier = other.browser()
  t.equal((await logIn(other, luckier)).status, 200)
  t.equal((await luckier.script(other.url('/me'))).status, 200)
})

t.test('where Sentinel refuses PKCE the error names pkce, and pkce: false logs in', async t => {
  const app = await startApp(t, { emulator: { behaviour: { pkce: 'refused' } } })
  const browser = app.browser()
  const answer = await logIn(app, browser).catch(() => browser.history.at(-1)!)
  t.equal(`${answer.status} ${errorCode(answer)}`, '502 LE_AUTH_LOGIN_REFUSED')
  t.match(answer.text, /pkce/)
  t.equal(app.calls('token'), 0)
  await isAnonymous(t, app, browser)

  const other = await startApp(t, { sentinel: app.sentinel, options: { pkce: false } })
  t.equal((await logIn(other, other.browser())).status, 200)
})

t.test('a wrong client secret is told apart, whatever the shape of the error', async t => {
  const app = await startApp(t, { options: { clientSecret: 'not-the-secret-of-this-client' } })
  for (const errorBody of ['oauth', 'nested', 'html'] as const) {
    app.sentinel.behaviour.errorBody = errorBody
    const browser = app.browser()
    const answer = await browser.step(await upToCallback(app, browser))
    t.equal(`${answer.status} ${errorCode(answer)}`, CLIENT, errorBody)
    isFreeOf(t, answer.text + app.logLines.join(''), ['not-the-secret-of-this-client'], 'the secret is nowhere')
    await isAnonymous(t, app, browser)
  }
})

t.test('a code that Sentinel no longer knows is a new login, whatever the shape of the error', async t => {
  const app = await startApp(t)
  for (const [errorBody, expected] of [['oauth', CODE], ['nested', INVALID], ['html', INVALID]] as const) {
    app.sentinel.behaviour.errorBody = errorBody
    const browser = app.browser()
    const callback = new URL(await upToCallback(app, browser))
    callback.searchParams.set('code', 'another-code')
    const answer = await browser.step(callback.href)
    t.equal(`${answer.status} ${errorCode(answer)}`, expected, errorBody)
    await isAnonymous(t, app, browser)
  }
})
