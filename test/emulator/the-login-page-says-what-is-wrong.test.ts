import t from 'tap'
import { Browser, locationOf, loginNames, password, redirectUri, start } from './support.ts'

const { agent, disabled, other } = loginNames

t.test('the login page shows why a login failed', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const page = await browser.openLogin()
  const logIn = async (form: Record<string, string>) => {
    const response = await browser.post(page, form)
    return { status: response.status, text: await response.text(), location: locationOf(response) }
  }
  const wrong = { status: 401, text: /role="alert">Wrong user name or password\.</, location: '' }
  t.match(await logIn({ username: agent, password: 'guess' }), wrong)
  t.match(await logIn({ username: 'unknown', password }), wrong)
  t.match(await logIn({}), wrong)
  t.match(
    await logIn({ username: disabled, password: 'guess' }),
    wrong,
    'a disabled user with a wrong password'
  )
  t.match(await logIn({ username: disabled, password }), {
    status: 401,
    text: /This user is disabled\./
  })
  t.match(await logIn({ username: other, password }), wrong, 'a user of another account')
  const again = await logIn({ username: agent, password: 'guess' })
  t.match(again.text, `value="${agent}"`)
  t.notOk(browser.cookies.has('sentinel_session_12345678'))

  const empty = await fetch(new URL(page, sentinel.url), {
    method: 'POST',
    headers: { cookie: `ibs_id=${browser.cookies.get('ibs_id')}`, 'content-type': 'text/plain' },
    body: 'x'
  })
  t.equal(empty.status, 401, 'a body that is not a form')
})

t.test('the Cancel button returns to the application with access_denied', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const back = await browser.post(await browser.openLogin(), { action: 'cancel' })
  t.equal(back.status, 303)
  const url = new URL(locationOf(back))
  t.equal(url.origin + url.pathname, redirectUri)
  t.hasStrict(Object.fromEntries(url.searchParams), { error: 'access_denied', state: 'a state' })
})
