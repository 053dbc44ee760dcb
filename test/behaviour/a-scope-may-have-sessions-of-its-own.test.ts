import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import leAuth, { requireAuth } from '../../lib/index.ts'
import { SECRET, startApp, startScopedApp } from '../support/app.ts'
import { AGENT, logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

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

/** As @fastify/secure-session does: an object of its own, which is kept in a cookie. */
async function sealedSessions(scope: FastifyInstance): Promise<void> {
  scope.decorateRequest('session', null as never)
  scope.addHook('onRequest', async request => {
    request.session = JSON.parse(request.cookies['sealed'] ?? '{"visits":0}')
  })
  scope.addHook('onSend', async (request, reply) => {
    reply.setCookie('sealed', JSON.stringify(request.session), { path: '/' })
  })
  scope.get('/visits', async request => {
    const session = request.session as unknown as { visits: number }
    session.visits += 1
    return { visits: session.visits, user: request.leAuth?.user.id ?? null }
  })
  scope.post('/bye', async request => request.leAuth!.logout())
}

t.test(
  'Another session plugin, in a child scope, keeps its own sessions, and its routes know the ' +
    'login.',
  async t => {
    const store = new TestStore()
    const app = await startApp(t, {
      options: { store },
      after: app => {
        app.get('/write', async ({ session }) => Object.assign(session, { a: 1 }) && 'written')
        return app.register(async scope => sealedSessions(scope))
      }
    })
    const browser = app.browser()
    t.same((await browser.script(app.url('/visits'))).json(), { visits: 1, user: null })
    await logIn(app, browser)
    await browser.script(app.url('/write'))
    t.same((await browser.script(app.url('/visits'))).json(), { visits: 2, user: AGENT.id })
    t.equal((await browser.script(app.url('/bye'), { method: 'POST' })).status, 200)
    t.same((await browser.script(app.url('/visits'))).json(), { visits: 3, user: null })
    t.equal((await browser.script(app.url('/write'))).status, 200)
    t.notMatch([...store.records.values()].join(), 'visits', 'the store has none of them')
  }
)

t.test('A session plugin in a scope beside the plugin’s is not disturbed.', async t => {
  for (const first of ['ours', 'theirs']) {
    const app = await startScopedApp(t, {
      callbacks: ['/a/callback'],
      build: async (app, optionsAt) => {
        const ours = (): unknown =>
          app.register(
            async scope => {
              await scope.register(leAuth, optionsAt('/a/callback'))
              scope.get('/me', { onRequest: requireAuth }, async ({ leAuth }) => leAuth!.user.id)
            },
            { prefix: '/a' }
          )
        const theirs = (): unknown =>
          app.register(async scope => {
            await scope.register(cookie)
            await sealedSessions(scope)
          })
        for (const build of first === 'ours' ? [ours, theirs] : [theirs, ours]) await build()
      }
    })
    const browser = app.browser()
    t.equal((await logIn(app, browser, AGENT, '/a/me')).text, AGENT.id, `${first} first`)
    for (const visits of [1, 2]) {
      t.equal((await browser.script(app.url('/visits'))).json().visits, visits)
    }
  }
})
