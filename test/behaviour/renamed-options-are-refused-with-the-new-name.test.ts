import Fastify from 'fastify'
import t from 'tap'
import leAuth, { LeAuthError, type LeAuthOptions } from '../../lib/index.ts'
import { redisRefreshLock } from '../../lib/store/renamed-redis-lock.ts'
import { startApp } from '../support/app.ts'
import { logIn } from '../support/login.ts'

const GOOD = {
  accountId: '12345678',
  clientId: 'app',
  clientSecret: 'the-client-secret',
  redirectUri: 'https://app.example.com/callback',
  secret: 'a secret for tests, of more than 32 characters'
}
const RENAMED: Array<[oldName: string, old: object, newName: string]> = [
  ['session.cookieName', { session: { cookieName: 'x' } }, 'cookie.name'],
  ['session.cookie', { session: { cookie: { domain: 'example.com' } } }, 'cookie'],
  ['session.store', { session: { store: {} } }, 'store'],
  ['session.maxSessions', { session: { maxSessions: 10 } }, 'maxLogins'],
  ['session.idleLifetime', { session: { idleLifetime: 1000 } }, 'idleLifetime'],
  ['session.absoluteLifetime', { session: { absoluteLifetime: 1000 } }, 'absoluteLifetime'],
  ['keepOnLogin', { keepOnLogin: ['cart'] }, 'session.keep'],
  ['defaultReturnPath', { defaultReturnPath: '/' }, 'returnTo.afterLogin'],
  ['logoutReturnPath', { logoutReturnPath: '/' }, 'returnTo.afterLogout'],
  ['refreshLock', { refreshLock: {} }, 'lock'],
  ['refreshMargin', { refreshMargin: 1000 }, 'refreshLeeway']
]

for (const [oldName, old, newName] of RENAMED) {
  t.test(`The option ${oldName} is refused at start-up, in favour of ${newName}.`, async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    const options = { ...GOOD, ...old } as LeAuthOptions
    const error = await Promise.resolve(app.register(leAuth, options)).then(
      () => null,
      error => error
    )
    t.ok(error instanceof LeAuthError)
    t.equal(
      error.message,
      `fastify-le-auth cannot start:\n- ${oldName} was renamed: use ${newName}`
    )
  })
}

t.test('redisRefreshLock is refused, in favour of redisLock.', async t => {
  t.throws(() => redisRefreshLock({}), {
    code: 'LE_AUTH_OPTIONS_INVALID',
    message: /use redisLock of fastify-le-auth\/redis-lock/
  })
})

t.test('minTtl of getAccessToken is refused, in favour of minLifetime.', async t => {
  const app = await startApp(t, {
    after: app =>
      app.get('/old-name', { preHandler: app.requireAuth }, async ({ leAuth }) => {
        const minTtl = { minTtl: 1000 } as object
        return leAuth!.getAccessToken(minTtl).then(() => 'a token', String)
      })
  })
  const browser = app.browser()
  await logIn(app, browser)
  const { text } = await browser.script(app.url('/old-name'))
  t.equal(text, 'TypeError: getAccessToken: minTtl was renamed: use minLifetime')
})
