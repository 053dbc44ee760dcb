import t from 'tap'
import { startApp } from '../support/app.ts'
import { errorCode, isAnonymous, isFreeOf } from '../support/checks.ts'
import { MINUTE } from '../support/clock.ts'
import { logIn, upToCallback } from '../support/login.ts'

const MISSING = '502 LE_AUTH_ID_TOKEN_INVALID'
const INVALID = '502 LE_AUTH_SENTINEL_INVALID'
const CLIENT = '502 LE_AUTH_CLIENT_REJECTED'
const CODE = '400 LE_AUTH_CALLBACK_INVALID (code_rejected)'

t.test('A login works with each documented form of expires_in and issuer.', async t => {
  const app = await startApp(t)
  for (const expiresIn of ['number', 'string', 'absent'] as const) {
    for (const issuer of ['sentinel', 'Sentinel'] as const) {
      Object.assign(app.sentinel.behaviour, { expiresIn, issuer })
      const browser = app.browser()
      await logIn(app, browser)
      const { expiresAt } = (await browser.script(app.url('/token'))).json()
      if (expiresIn === 'absent') t.equal(expiresAt, null)
      else {
        t.ok(
          Math.abs(new Date(expiresAt).getTime() - Date.now() - 60 * MINUTE) < 30_000,
          `${expiresIn} ${issuer}: an hour`
        )
      }
    }
  }
})

t.test(
  'If Sentinel sends no id_token, the error names apiVersion.token, and that option makes ' +
    'the login work.',
  async t => {
    const app = await startApp(t, { emulator: { behaviour: { idToken: 'v2-only' } } })
    const browser = app.browser()
    const response = await logIn(app, browser)
    t.equal(`${response.status} ${errorCode(response)}`, MISSING)
    t.match(app.events().at(-1).hint, /set apiVersion\.token/)
    await isAnonymous(t, app, browser)

    const other = await startApp(t, {
      sentinel: app.sentinel,
      options: { apiVersion: { token: '2.0' } }
    })
    const otherBrowser = other.browser()
    t.equal((await logIn(other, otherBrowser)).status, 200)
    t.equal((await otherBrowser.script(other.url('/me'))).status, 200)
  }
)

t.test(
  'If Sentinel refuses PKCE, the error names the option pkce, and pkce: false makes the ' +
    'login work.',
  async t => {
    const app = await startApp(t, { emulator: { behaviour: { pkce: 'refused' } } })
    const browser = app.browser()
    const response = await logIn(app, browser).catch(() => browser.history.at(-1)!)
    t.equal(`${response.status} ${errorCode(response)}`, '400 LE_AUTH_AUTHORIZATION_FAILED')
    t.match(app.events().at(-1).hint, /pkce/)
    t.equal(app.calls('token'), 0)
    await isAnonymous(t, app, browser)

    const other = await startApp(t, { sentinel: app.sentinel, options: { pkce: false } })
    t.equal((await logIn(other, other.browser())).status, 200)
  }
)

t.test(
  'A wrong client secret has its own error code, whatever the format of Sentinel’s error.',
  async t => {
    const app = await startApp(t, { options: { clientSecret: 'not-the-secret-of-this-client' } })
    for (const errorBody of ['oauth', 'nested', 'html'] as const) {
      app.sentinel.behaviour.errorBody = errorBody
      const browser = app.browser()
      const response = await browser.step(await upToCallback(app, browser))
      t.equal(`${response.status} ${errorCode(response)}`, CLIENT, errorBody)
      isFreeOf(
        t,
        response.text + app.logLines.join(''),
        ['not-the-secret-of-this-client'],
        'the secret is in no response and no log line'
      )
      await isAnonymous(t, app, browser)
    }
  }
)

t.test(
  'If Sentinel no longer knows the code, the user has to log in again, whatever the format ' +
    'of the error.',
  async t => {
    const app = await startApp(t)
    for (const [errorBody, expected] of [
      ['oauth', CODE],
      ['nested', INVALID],
      ['html', INVALID]
    ] as const) {
      app.sentinel.behaviour.errorBody = errorBody
      const browser = app.browser()
      const callback = new URL(await upToCallback(app, browser))
      callback.searchParams.set('code', 'another-code')
      const response = await browser.step(callback.href)
      t.equal(`${response.status} ${errorCode(response)}`, expected, errorBody)
      await isAnonymous(t, app, browser)
    }
  }
)
