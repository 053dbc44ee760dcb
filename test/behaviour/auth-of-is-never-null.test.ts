import Fastify from 'fastify'
import t from 'tap'
import { authOf, requireAuth } from '../../lib/index.ts'
import { startApp } from '../support/app.ts'
import { logIn } from '../support/login.ts'

t.test('authOf is the authentication of a request behind a guard.', async t => {
  const app = await startApp(t, {
    after: app =>
      app.get('/name', { preHandler: requireAuth }, async request =>
        authOf(request) === request.leAuth ? authOf(request).user.id : 'another'
      )
  })
  const browser = app.browser()
  await logIn(app, browser)
  const { status, text } = await browser.script(app.url('/name'))
  t.equal(status, 200)
  t.match(text, /^\d+$/)
})

t.test('authOf throws 401 if nobody is logged in, which no handler can overlook.', async t => {
  const app = await startApp(t, {
    after: app => app.get('/open', async request => authOf(request).user)
  })
  const response = await app.browser().script(app.url('/open'))
  t.equal(response.status, 401)
  t.match(response.json(), { code: 'LE_AUTH_LOGIN_REQUIRED', message: 'Log in to continue.' })
})

t.test('authOf says so if the plugin is not registered in the scope of the route.', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/lost', async request => authOf(request).user)
  const response = await app.inject('/lost')
  t.equal(response.statusCode, 500)
  t.equal(response.json().code, 'LE_AUTH_SETUP_INVALID')
})
