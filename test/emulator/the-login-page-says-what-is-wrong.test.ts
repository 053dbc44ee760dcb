import t from 'tap'
import { Browser, locationOf, loginNames, password, redirectUri, start } from './support.js'

t.test('the login page says what is wrong', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const page = await browser.openLogin()
  const answerTo = async (form: Record<string, string>) => {
    const response = await browser.post(page, form)
    return { status: response.status, text: await response.text(), location: locationOf(response) }
  }
  const wrong = { status: 401, text: /role="alert">Wrong user name or password\.</, location: '' }
  t.match(await answerTo({ username: loginNames.agent, password: 'guess' }), wrong)
  t.match(await answerTo({ username: 'nobody', password }), wrong)
  t.match(await answerTo({}), wrong)
  t.match(await answerTo({ username: loginNames.disabled, password: 'guess' }), wrong, 'a disabled user is not told apart')
  t.match(await answerTo({ username: loginNames.disabled, password }), { status: 401, text: /This user is disabled\./ })
  t.match(await answerTo({ username: loginNames.other, password }), wrong, 'a user of another account')
  t.match((await answerTo({ username: loginNames.agent, password: 'guess' })).text, `value="${loginNames.agent}"`)
  t.notOk(browser.cookies.has('sentinel_session_12345678'))

  const empty = await fetch(new URL(page, sentinel.url), {
    method: 'POST', headers: { cookie: `ibs_id=${browser.cookies.get('ibs_id')}`, 'content-type': 'text/plain' }, body: 'x'
  })
  t.equal(empty.status, 401, 'what is no form is an empty one')
})

t.test('Cancel returns to the application with access_denied', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const back = await browser.post(await browser.openLogin(), { action: 'cancel' })
  t.equal(back.status, 303)
  const url = new URL(locationOf(back))
  t.equal(url.origin + url.pathname, redirectUri)
  t.hasStrict(Object.fromEntries(url.searchParams), { error: 'access_denied', state: 'a state' })
})
