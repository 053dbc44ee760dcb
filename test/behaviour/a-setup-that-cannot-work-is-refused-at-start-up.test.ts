import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import cookiePlugin from '@fastify/cookie'
import session, { type FastifySessionOptions } from '@fastify/session'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import leAuth from '../../lib/index.ts'
import { SECRET, type Setting, startApp, startScopedApp, type TestApp } from '../support/app.ts'
import { errorCode, isAnonymous } from '../support/checks.ts'
import { ADMIN, AGENT, logIn, logOut, signIn, upToCallback } from '../support/login.ts'
import { TYPESCRIPT } from '../support/processes/child.ts'

const { accountId, clientId, clientSecret } = EMULATOR_DEFAULTS
const APP_SECRET = 'a secret of the app itself, of more than 32 characters'
const optionsAt = (redirectUri: string) => ({
  accountId,
  clientId,
  clientSecret,
  redirectUri,
  secret: SECRET
})
const HTTP = optionsAt('http://localhost:3000/callback')

/** The error that stops an app before it is ready, or `null`. */
async function startUp(t: Test, build: (app: FastifyInstance) => unknown): Promise<any> {
  const app = Fastify()
  t.teardown(() => app.close().catch(() => {}))
  try {
    await build(app)
    await app.ready()
    return null
  } catch (error) {
    return error
  }
}

async function withSession(
  t: Test,
  options: object,
  sessionOptions: Partial<FastifySessionOptions>
): Promise<any> {
  return startUp(t, async app => {
    await app.register(cookiePlugin)
    await app.register(session, { secret: APP_SECRET, ...sessionOptions })
    await app.register(leAuth, options)
  })
}

t.test(
  'A login works even if browsers do not send the app’s own session cookie to a route, or ' +
    'over http.',
  async t => {
    for (const cookie of [
      { sameSite: 'strict' },
      { sameSite: true },
      { path: '/other' },
      { path: '/callback' },
      { secure: true }
    ] as const) {
      const app = await startApp(t, {
        before: async app => {
          await app.register(cookiePlugin)
          await app.register(session, { secret: APP_SECRET, cookie: { secure: false, ...cookie } })
        }
      })
      const browser = app.browser()
      t.equal(
        (await logIn(app, browser, AGENT, '/page/there')).text,
        'page /page/there',
        JSON.stringify(cookie)
      )
      t.equal((await logOut(app, browser)).status, 303)
      await isAnonymous(t, app, browser)
    }
  }
)

t.test(
  'A session plugin in its own scope keeps working, and the login works beside it.',
  async t => {
    const elsewhere = async (scope: FastifyInstance): Promise<void> => {
      if (!scope.hasRequestDecorator('cookies')) await scope.register(cookiePlugin)
      await scope.register(session, {
        secret: APP_SECRET,
        cookieName: 'elsewhere',
        cookie: { secure: false }
      })
      scope.get('/elsewhere', async ({ session }) => {
        ;(session as any).visits = ((session as any).visits ?? 0) + 1
        return (session as any).visits
      })
    }
    const deeper = async (scope: FastifyInstance): Promise<void> => {
      await scope.register(elsewhere)
    }
    const places: Record<string, Setting> = {
      'registered before': { before: app => app.register(elsewhere) },
      'registered before, deeper': { before: app => app.register(deeper) }
    }
    for (const [where, setting] of Object.entries(places)) {
      const app = await startApp(t, setting)
      const browser = app.browser()
      t.equal((await logIn(app, browser, AGENT, '/page/there')).text, 'page /page/there', where)
      for (const visits of [1, 2]) {
        t.equal((await browser.script(app.url('/elsewhere'))).json(), visits, where)
      }
      t.same(
        (await browser.cookieNames(app.origin)).sort(),
        ['elsewhere', 'le-auth'],
        'the plugin has no session cookie of its own'
      )
      t.equal((await logOut(app, browser)).status, 303)
      await isAnonymous(t, app, browser)
    }
  }
)

t.test('FT3 A session plugin after this one, in the same scope, is refused.', async t => {
  const fixture = fileURLToPath(
    new URL('../support/processes/late-session-plugin.ts', import.meta.url)
  )
  for (const where of ['same scope']) {
    const { error, stdout, stderr } = await new Promise<{
      error: Error | null
      stdout: string
      stderr: string
    }>(resolve =>
      execFile(
        process.execPath,
        [...TYPESCRIPT, fixture, where],
        { timeout: 20_000 },
        (error, stdout, stderr) => resolve({ error, stdout, stderr })
      )
    )
    t.equal((error as { code?: unknown } | null)?.code, 1, where)
    t.notMatch(stdout, 'started')
    t.match(stderr, /Register @fastify\/session before fastify-le-auth/)
  }
})

t.test('A request.session that belongs to another plugin is refused.', async t => {
  const error = await startUp(t, async app => {
    app.decorateRequest('session', null as never)
    await app.register(leAuth, HTTP)
  })
  t.equal(error?.code, 'LE_AUTH_SETUP_INVALID')
  t.match(
    error?.message,
    /request\.session belongs to another plugin than @fastify\/session\. Register that plugin in a scope of its own.*sessionName/
  )
})

t.test('A second registration of the plugin in the same scope is refused.', async t => {
  const error = await startUp(t, async app => {
    await app.register(leAuth, HTTP)
    await app.register(leAuth, HTTP)
  })
  t.not(error, null)
})

t.test('A session plugin in the parent scope is used.', async t => {
  t.equal(
    await startUp(t, async app => {
      await app.register(cookiePlugin)
      await app.register(session, { secret: APP_SECRET, cookie: { secure: false } })
      await app.register(async scope => {
        await scope.register(leAuth, HTTP)
      })
    }),
    null
  )
})

async function twoScopes(t: Test, names: [string, string] = ['of-a', 'of-b']): Promise<TestApp> {
  return startScopedApp(t, {
    callbacks: ['/a/callback', '/b/callback'],
    build: async (app, optionsAt) => {
      for (const [index, prefix] of ['/a', '/b'].entries()) {
        await app.register(
          async scope => {
            await scope.register(leAuth, {
              ...optionsAt(`${prefix}/callback`),
              cookie: { name: names[index] }
            })
            scope.get(
              '/me',
              { onRequest: scope.requireAuth },
              async request => request.leAuth!.user.id
            )
          },
          { prefix }
        )
      }
      app.get('/me', async (_request, reply) =>
        reply.code(401).send({ code: 'LE_AUTH_LOGIN_REQUIRED' })
      )
      app.get('/', async request => String((request as any).leAuth))
    }
  })
}

t.test('Two registrations in two scopes work side by side.', async t => {
  const app = await twoScopes(t)
  const browser = app.browser()
  t.equal((await logIn(app, browser, AGENT, '/a/me')).text, AGENT.id)
  const other = await browser.script(app.url('/b/me'))
  t.equal(
    `${other.status} ${errorCode(other)} ${other.json().loginUrl}`,
    '401 LE_AUTH_LOGIN_REQUIRED /b/login'
  )

  const second = app.browser()
  t.equal((await logIn(app, second, ADMIN, '/b/me')).text, ADMIN.id)
  t.equal((await second.script(app.url('/a/me'))).status, 401)

  // Both logins in one browser: the second uses the login that the browser has at Sentinel.
  t.equal((await browser.navigate(app.url('/b/me'))).text, AGENT.id)
  t.same((await browser.cookieNames(app.url('/'))).sort(), ['of-a', 'of-b'])
  await browser.navigate(app.url('/a/logout'), { method: 'POST', form: {}, from: app.url('/a/me') })
  t.equal((await browser.script(app.url('/a/me'))).status, 401)
  t.equal(
    (await browser.script(app.url('/b/me'))).text,
    AGENT.id,
    'logged out of one, not of the other'
  )
  t.equal(
    (await browser.navigate(app.url('/'))).text,
    'undefined',
    'outside both scopes there is no leAuth'
  )
})

t.test('MX2 Neither of two registrations accepts a state of the other.', async t => {
  for (const names of [
    ['of-a', 'of-b'],
    ['same', 'same']
  ] as Array<[string, string]>) {
    const app = await twoScopes(t, names)
    const browser = app.browser()
    const callback = new URL(await upToCallback(app, browser, '/a/login'))
    const crossed = await browser.step(app.url(`/b/callback${callback.search}`))
    t.equal(crossed.status, 400)
    t.match(errorCode(crossed), /\((no_transaction|state_mismatch)\)/)
    t.equal(app.calls('token'), 0)
    t.equal((await browser.script(app.url('/b/me'))).status, 401)
    await isAnonymous(t, app, browser)
    await browser.step(callback.href)
    t.equal(
      (await browser.script(app.url('/a/me'))).text,
      AGENT.id,
      'the state still works in its own scope'
    )
    t.equal((await browser.script(app.url('/b/me'))).status, 401)
  }
})

t.test('A Sentinel login page opened from a scope leads back to that scope.', async t => {
  const app = await twoScopes(t)
  const browser = app.browser()
  const pageOfA = await browser.navigate(app.url('/a/me'))
  const pageOfB = await browser.navigate(app.url('/b/me'))
  t.equal((await signIn(browser, pageOfB, ADMIN.loginName)).url, app.url('/b/me'))
  t.equal((await signIn(browser, pageOfA, AGENT.loginName)).url, app.url('/a/me'))
})

t.test(
  'The store option is refused if the app has its own session plugin, whose store is used ' +
    'instead.',
  async t => {
    const error = await withSession(
      t,
      { ...HTTP, store: new session.MemoryStore() },
      { cookie: { secure: 'auto' } }
    )
    t.equal(error?.code, 'LE_AUTH_SETUP_INVALID')
    t.match(error?.message, /the option store has no effect, .* Give the store to that plugin/)
  }
)
