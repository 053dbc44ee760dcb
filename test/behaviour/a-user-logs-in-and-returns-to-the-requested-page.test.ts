import t from 'tap'
import { startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'

t.test(
  'A user who opens a protected page logs in at Sentinel and returns to that page.',
  async t => {
    const app = await startApp(t)
    const browser = app.browser()
    const response = await logIn(app, browser, AGENT, '/page/one?tab=2')
    t.equal(response.status, 200)
    t.equal(response.text, 'page /page/one?tab=2')
    t.equal(app.calls('token'), 1)

    const me = await browser.script(app.url('/me'))
    t.match(me.json(), { id: AGENT.id, isAdmin: false, isLpa: false, accountId: '12345678' })
    t.equal((await browser.navigate(app.url('/'))).text, `hello ${AGENT.id}`)
  }
)

t.test('An administrator may open a page for administrators, and an agent may not.', async t => {
  const app = await startApp(t)
  const administrator = app.browser()
  t.equal((await logIn(app, administrator, ADMIN, '/admin')).text, 'for administrators')
  const agent = app.browser()
  await logIn(app, agent, AGENT)
  const refused = await agent.navigate(app.url('/admin'))
  t.equal(refused.status, 403)
  t.equal(errorCode(refused), 'LE_AUTH_ADMIN_REQUIRED')
})
