import session from '@fastify/session'
import t from 'tap'
import { SECRET, startApp } from '../support/app.ts'
import { AGENT, logIn } from '../support/login.ts'

t.test(
  '@fastify/session registered in a child scope keeps its own sessions, and its routes know ' +
    'the login.',
  async t => {
    const app = await startApp(t, {
      after: app =>
        app.register(async scope => {
          await scope.register(session, {
            secret: SECRET,
            cookieName: 'of-the-scope',
            cookie: { secure: false }
          })
          scope.get('/visits', async request => {
            const visits = Number(request.session.get('visits' as never) ?? 0) + 1
            request.session.set('visits' as never, visits as never)
            return { visits, user: request.leAuth?.user.id ?? null }
          })
          scope.post('/bye', { onRequest: app.requireAuth }, async request =>
            request.leAuth!.logout()
          )
        })
    })
    const browser = app.browser()
    t.same((await browser.script(app.url('/visits'))).json(), { visits: 1, user: null })
    await logIn(app, browser)
    t.same((await browser.script(app.url('/visits'))).json(), { visits: 2, user: AGENT.id })
    t.equal((await browser.script(app.url('/bye'), { method: 'POST' })).status, 200)
    t.same((await browser.script(app.url('/visits'))).json(), { visits: 3, user: null })
  }
)
