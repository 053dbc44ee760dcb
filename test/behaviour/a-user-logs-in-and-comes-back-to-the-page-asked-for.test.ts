import t from 'tap'
import { ADMIN, AGENT, logIn, startApp } from '../support/app.js'

t.test('from a protected page through Sentinel and back', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const answer = await logIn(app, browser, AGENT, '/page/one?tab=2')
  t.equal(answer.status, 200)
  t.equal(answer.text, 'page /page/one?tab=2')
  t.equal(app.calls('token'), 1)

  const me = await browser.script(app.url('/me'))
  t.match(me.json(), { id: AGENT.id, isAdmin: false, isLpa: false, accountId: '12345678' })
  t.equal((await browser.navigate(app.url('/'))).text, `hello ${AGENT.id}`)
})

t.test('an administrator is one, an agent is not', async t => {
  const app = await startApp(t)
  const administrator = app.browser()
  t.equal((await logIn(app, administrator, ADMIN, '/admin')).text, 'for administrators')
  const agent = app.browser()
  await logIn(app, agent, AGENT)
  const refused = await agent.navigate(app.url('/admin'))
  t.equal(refused.status, 403)
  t.equal(refused.json().code, 'LE_AUTH_ADMIN_REQUIRED')
})
