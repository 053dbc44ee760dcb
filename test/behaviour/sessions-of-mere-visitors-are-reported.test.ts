import cookie from '@fastify/cookie'
import session, { type FastifySessionOptions } from '@fastify/session'
import t, { type Test } from 'tap'
import { SECRET, startApp, type Setting, type TestApp } from '../support/app.ts'
import { logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

async function withSession(
  t: Test,
  options: Partial<FastifySessionOptions>,
  setting: Setting = {}
): Promise<{ app: TestApp; store: TestStore }> {
  const store = new TestStore()
  const app = await startApp(t, {
    before: async app => {
      await app.register(cookie)
      await app.register(session, { secret: SECRET, cookie: { secure: false }, store, ...options })
    },
    ...setting
  })
  return { app, store }
}

function warnings({ logLines }: TestApp): string[] {
  const lines = logLines.map(line => JSON.parse(line))
  return lines.filter(({ leAuth }) => leAuth?.reason === 'visitor_sessions').map(({ msg }) => msg)
}

t.test(
  'An app’s @fastify/session that stores each visitor of /login is reported once.',
  async t => {
    const { app, store } = await withSession(t, {})
    for (const visits of [1, 2, 3]) {
      await app.browser().step(app.url('/login'))
      t.equal(store.records.size, visits, 'the store grows')
      t.equal(warnings(app).length, 1)
    }
    t.match(warnings(app)[0], /Register @fastify\/session with saveUninitialized: false/)
  }
)

t.test('A session that the app itself makes for each visitor is reported as well.', async t => {
  const { app } = await withSession(
    t,
    { saveUninitialized: false },
    {
      after: app =>
        app.addHook('preHandler', async ({ session }) => Object.assign(session, { a: 1 }))
    }
  )
  await app.browser().step(app.url('/login'))
  t.equal(warnings(app).length, 1)
})

t.test('Nothing is reported if visitors of /login are not stored.', async t => {
  for (const options of [
    { saveUninitialized: false },
    { saveUninitialized: false, rolling: true },
    { cookie: { secure: true } },
    { cookie: { secure: false, path: '/other' } }
  ]) {
    const { app, store } = await withSession(t, options)
    await app.browser().step(app.url('/login'))
    t.equal(store.records.size, 0)
    t.same(warnings(app), [], JSON.stringify(options))
  }
})

t.test('Nothing is reported if the browser had a session before it opened /login.', async t => {
  const { app, store } = await withSession(t, {})
  const browser = app.browser()
  await browser.step(app.url('/'))
  await browser.step(app.url('/login'))
  t.equal(store.records.size, 1)
  await logIn(app, browser)
  t.same(warnings(app), [])
})

t.test('The plugin’s own sessions store no visitor of /login.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { store } })
  await app.browser().step(app.url('/login'))
  t.equal(store.records.size, 0)
  t.same(warnings(app), [])
})
