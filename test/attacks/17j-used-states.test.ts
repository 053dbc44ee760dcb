import { attack } from '../support/attack/attack.ts'
import { startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { upToCallback } from '../support/login.ts'
import { twoApps } from '../support/two-apps.ts'

const WITHOUT_CODE = ['error=access_denied', 'error=server_error', 'code=', 'access_token=x']

attack(
  'WF2',
  'the state of a callback without a code is used in all processes',
  'RFC 6749 §10.12',
  async t => {
    const { one, other, sentinel, toOther } = await twoApps(t)
    for (const query of WITHOUT_CODE) {
      const browser = one.browser()
      const callback = new URL(await upToCallback(one, browser))
      const elsewhere = await toOther(browser)
      const state = callback.searchParams.get('state')
      await browser.step(one.url(`/callback?${query}&state=${state}`))
      t.equal(
        errorCode(await elsewhere.navigate(other.url(`/callback${callback.search}`))),
        'LE_AUTH_CALLBACK_INVALID (state_used)',
        query
      )
    }
    t.equal(sentinel.requests.filter(({ endpoint }) => endpoint === 'token').length, 0)
  }
)

attack(
  'WF2',
  'a store that fails when a callback without a code comes changes nothing for the visitor',
  'RFC 6749 §10.12',
  async (t, stage) => {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser)
    const saved = await browser.copy()
    stage.store.trouble = ({ operation }) => (operation === 'set' ? 'error' : undefined)
    const state = new URL(callback).searchParams.get('state')
    const denied = await stage.callback(browser, `error=access_denied&state=${state}`)
    t.equal(errorCode(denied), 'LE_AUTH_LOGIN_DENIED')
    t.equal(errorCode(await saved.step(callback)), 'LE_AUTH_CALLBACK_INVALID (state_used)')
    t.equal(stage.exchanges(), 0)
  }
)

/** More than the plugin remembers of each kind. */
const MANY = 10_100

attack(
  'WF3',
  'callbacks that fail push the used state of no real login out of the memory',
  'RFC 6749 §10.12',
  async t => {
    const app = await startApp(t)
    const browser = app.browser()
    const callback = await upToCallback(app, browser)
    const saved = await browser.copy()
    await browser.navigate(callback)
    for (let count = 0; count < MANY; count += 1) {
      const begun = await app.app.inject('/login')
      const { name, value } = begun.cookies[0] as { name: string; value: string }
      const state = new URL(String(begun.headers.location)).searchParams.get('state')
      await app.app.inject({ url: `/callback?state=${state}`, cookies: { [name]: value } })
    }
    t.equal(
      errorCode(await saved.navigate(callback)),
      'LE_AUTH_CALLBACK_INVALID (login_ended)',
      'the plugin still knows the state, and that it brought a login'
    )
    t.equal(app.calls('token'), 1)
  }
)
