import cookie, { type FastifyCookieOptions } from '@fastify/cookie'
import t from 'tap'
import { startApp } from '../support/app.ts'
import { isAnonymous } from '../support/checks.ts'
import { AGENT, logIn, logOut } from '../support/login.ts'

const hooks: Array<NonNullable<FastifyCookieOptions['hook']>> = [
  false,
  'onRequest',
  'preParsing',
  'preValidation',
  'preHandler'
]

for (const hook of hooks) {
  t.test(`A login works if the app registers @fastify/cookie with the hook ${hook}.`, async t => {
    const app = await startApp(t, {
      before: app => app.register(cookie, { hook }),
      after: app =>
        app.get('/visits', async request => {
          const visits = Number(request.session.get('visits' as never) ?? 0) + 1
          request.session.set('visits' as never, visits as never)
          return visits
        })
    })
    const browser = app.browser()
    await isAnonymous(t, app, browser)
    t.equal((await logIn(app, browser, AGENT, '/page/one')).text, 'page /page/one')
    for (const visits of [1, 2]) {
      t.equal((await browser.script(app.url('/visits'))).json(), visits, 'the session is kept')
    }
    t.equal((await logOut(app, browser)).status, 303)
    await isAnonymous(t, app, browser)
  })

  t.test(
    `A callback clears no session cookie that it does not replace, with the hook ${hook}.`,
    async t => {
      const app = await startApp(t, {
        before: app => app.register(cookie, { hook }),
        options: {
          onLogin: (_event, { session }) => {
            session.get('nothing' as never)
          }
        },
        after: app =>
          app.get('/write', async ({ session }) => Object.assign(session, { a: 1 }) && 'written')
      })
      const browser = app.browser()
      await browser.script(app.url('/write'))
      await logIn(app, browser)
      const lines = browser.history.flatMap(({ setCookies }) => setCookies)
      const ofSession = lines.filter(line => line.startsWith('le-auth.session='))
      t.equal(ofSession.length, 1, 'the browser may have got a newer one meanwhile')
    }
  )
}
