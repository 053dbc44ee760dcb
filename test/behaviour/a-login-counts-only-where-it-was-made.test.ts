import t from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import leAuth from '../../lib/index.ts'
import { startApp, startScopedApp } from '../support/app.ts'
import { ADMIN, logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

t.test(
  'A login in one account does not count in an app with another account or client.',
  async t => {
    const store = new TestStore()
    const first = await startApp(t, { options: { store } })
    const browser = first.browser()
    await logIn(first, browser, ADMIN, '/admin')

    const others = [
      { accountId: EMULATOR_DEFAULTS.secondAccountId },
      { clientId: 'another-client' }
    ]
    for (const options of others) {
      const other = await startApp(t, { sentinel: first.sentinel, options: { store, ...options } })
      const there = other.browser()
      for (const cookie of await browser.jar.getCookies(first.origin)) {
        await there.jar.setCookie(cookie, other.origin)
      }
      t.equal((await there.script(other.url('/admin'))).status, 401)
      t.equal((await there.navigate(other.url('/'))).text, 'hello stranger')
    }
    t.equal((await browser.script(first.url('/admin'))).status, 200)
  }
)

t.test('Visitors who never finish a login push no user out of the store in memory.', async t => {
  const app = await startApp(t, { options: { maxLogins: 10 } })
  const user = app.browser()
  await logIn(app, user)
  for (let i = 0; i < 30; i += 1) {
    const visitor = app.browser()
    const state = new URL((await visitor.step(app.url('/login'))).location!).searchParams.get(
      'state'
    )
    t.equal(
      (await visitor.navigate(app.url(`/callback?error=access_denied&state=${state}`))).status,
      403
    )
  }
  t.equal((await user.script(app.url('/me'))).status, 200)
})

t.test(
  'Two accounts in one app, each with its own scope and cookie, have separate logins in one ' +
    'browser.',
  async t => {
    const accounts = { a: EMULATOR_DEFAULTS.accountId, b: EMULATOR_DEFAULTS.secondAccountId }
    const app = await startScopedApp(t, {
      callbacks: ['/a/callback', '/b/callback'],
      build: async (app, optionsAt) => {
        for (const [name, accountId] of Object.entries(accounts)) {
          await app.register(
            async scope => {
              await scope.register(leAuth, {
                ...optionsAt(`/${name}/callback`),
                accountId,
                cookie: { name: `login-${name}` }
              })
              scope.get(
                '/me',
                { onRequest: scope.requireAuth },
                async ({ leAuth }) => leAuth!.accountId
              )
            },
            { prefix: `/${name}` }
          )
        }
      }
    })
    const browser = app.browser()
    for (const name of Object.keys(accounts)) {
      const { location } = await browser.step(app.url(`/${name}/login`))
      const { loginName } = app.sentinel.accounts.find(({ accountId }) =>
        location!.includes(`/${accountId}/`)
      )!.users[0]!
      t.equal((await browser.step(await app.sentinel.signIn(location!, loginName))).status, 303)
    }
    for (const [name, accountId] of Object.entries(accounts)) {
      t.equal((await browser.script(app.url(`/${name}/me`))).text, accountId)
    }
    await browser.step(app.url('/a/logout'), { method: 'POST', form: {}, from: app.url('/') })
    t.equal((await browser.script(app.url('/a/me'))).status, 401)
    t.equal(
      (await browser.script(app.url('/b/me'))).status,
      200,
      'a logout ends only one of the two'
    )
  }
)
