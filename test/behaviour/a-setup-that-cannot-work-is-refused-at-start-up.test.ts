import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import cookie from '@fastify/cookie'
import session, { type FastifySessionOptions } from '@fastify/session'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.js'
import leAuth from '../../lib/index.js'
import { isAnonymous } from '../support/anonymous.js'
import { AGENT, ADMIN, errorCode, logIn, SECRET, signIn, upToCallback, type TestApp } from '../support/app.js'
import { startScopedApp } from '../support/scoped-app.js'

const { accountId, clientId, clientSecret } = EMULATOR_DEFAULTS
const APP_SECRET = 'a secret of the app itself, of more than 32 characters'
const optionsAt = (redirectUri: string) => ({ accountId, clientId, clientSecret, redirectUri, secret: SECRET })
const HTTP = optionsAt('http://localhost:3000/callback')
const HTTPS = optionsAt('https://app.example.com/callback')

/** The error that an app ends with before it is ready, or `null`. */
async function startUp (t: Test, build: (app: FastifyInstance) => unknown): Promise<any> {
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

async function withSession (t: Test, options: object, sessionOptions: Partial<FastifySessionOptions>): Promise<any> {
  return startUp(t, async app => {
    await app.register(cookie)
    await app.register(session, { secret: APP_SECRET, ...sessionOptions })
    await app.register(leAuth, options)
  })
}

t.test('FT1 a session cookie that the callback arrives without', async t => {
  for (const sameSite of ['strict', 'Strict', true]) {
    const error = await withSession(t, HTTPS, { cookie: { sameSite: sameSite as never } })
    t.equal(error?.code, 'LE_AUTH_SETUP_INVALID')
    t.match(error?.message, /SameSite=Strict, so browsers do not send it .* Set cookie\.sameSite to "lax" in the options of @fastify\/session/)
  }
  for (const sameSite of ['lax', 'none', false, undefined]) t.equal(await withSession(t, HTTPS, { cookie: { ...(sameSite !== undefined && { sameSite: sameSite as never }) } }), null, String(sameSite))
})

t.test('FT3 a session cookie whose path leaves out a route', async t => {
  for (const [path, routes, outside] of [
    ['/other', {}, '/login'],
    ['/callback', {}, '/login'],
    ['/auth', { login: '/auth/login', callback: '/callback', logout: '/auth/logout' }, '/callback'],
    ['/auth', { login: '/auth/login', logout: '/authentic/logout' }, '/callback'],
    ['/log', { login: '/login', logout: '/log/out' }, '/login']
  ] as const) {
    const error = await withSession(t, { ...HTTP, routes }, { cookie: { secure: false, path } })
    t.equal(error?.code, 'LE_AUTH_SETUP_INVALID', path)
    t.match(error?.message, `has the path ${path}, which leaves out ${outside}. Set cookie.path to "/" in the options of @fastify/session.`)
  }
  const below = { ...optionsAt('http://localhost:3000/auth/callback'), routes: { login: '/auth/login', logout: '/auth/logout' } }
  for (const path of ['/auth', '/auth/', '/']) t.equal(await withSession(t, below, { cookie: { secure: false, path } }), null, path)
})

t.test('FT2 a session cookie for https only, where the app is on http', async t => {
  for (const sessionOptions of [{}, { cookie: { secure: true } }]) {
    const error = await withSession(t, HTTP, sessionOptions)
    t.equal(error?.code, 'LE_AUTH_SETUP_INVALID')
    t.match(error?.message, /the session cookie is Secure, but redirectUri is http.* Set cookie\.secure to "auto" in the options of @fastify\/session/)
    t.equal(await withSession(t, HTTPS, sessionOptions), null, 'over https it is right')
  }
  t.equal(await withSession(t, HTTP, { cookie: { secure: 'auto' } }), null)
})

t.test('FT3 a session plugin in another scope', async t => {
  const elsewhere = async (scope: FastifyInstance): Promise<void> => {
    await scope.register(cookie)
    await scope.register(session, { secret: APP_SECRET, cookie: { secure: false } })
  }
  for (const [what, build] of [
    ['before', async (app: FastifyInstance) => { await app.register(elsewhere); await app.register(leAuth, HTTP) }],
    ['before, deeper', async (app: FastifyInstance) => { await app.register(async scope => { await scope.register(elsewhere) }); await app.register(leAuth, HTTP) }],
    ['beside', async (app: FastifyInstance) => { await app.register(async scope => { await scope.register(leAuth, HTTP) }); await app.register(elsewhere) }]
  ] as const) {
    const error = await startUp(t, build)
    t.equal(error?.code, 'LE_AUTH_SETUP_INVALID', what)
    t.match(error?.message, /@fastify\/session is registered in a scope that fastify-le-auth does not see\. Register it in the same scope, before fastify-le-auth, or leave it out/)
  }
})

t.test('FT3 a session plugin after this one', async t => {
  const fixture = fileURLToPath(new URL('../support/late-session-plugin.ts', import.meta.url))
  for (const where of ['same scope', 'scope below']) {
    const { error, stdout, stderr } = await new Promise<{ error: Error | null, stdout: string, stderr: string }>(resolve =>
      // tsx compiles lib/ its own way, and tap would add up lines that do not match.
      execFile(process.execPath, ['--import', 'tsx', fixture, where], { timeout: 20_000, env: { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' } }, (error, stdout, stderr) => resolve({ error, stdout, stderr })))
    t.equal((error as { code?: unknown } | null)?.code, 1, where)
    t.notMatch(stdout, 'started')
    t.match(stderr, /The decorator '\w+' has already been added/)
  }
})

t.test('a request.session of another plugin', async t => {
  const error = await startUp(t, async app => {
    app.decorateRequest('session', null as never)
    await app.register(leAuth, HTTP)
  })
  t.equal(error?.code, 'LE_AUTH_SETUP_INVALID')
  t.match(error?.message, /request\.session belongs to another plugin than @fastify\/session\. Register fastify-le-auth in a scope without it, or use @fastify\/session/)
})

t.test('the same plugin twice in one scope', async t => {
  const error = await startUp(t, async app => {
    await app.register(leAuth, HTTP)
    await app.register(leAuth, HTTP)
  })
  t.not(error, null)
})

t.test('a session plugin in the scope above is used', async t => {
  t.equal(await startUp(t, async app => {
    await app.register(cookie)
    await app.register(session, { secret: APP_SECRET, cookie: { secure: false } })
    await app.register(async scope => { await scope.register(leAuth, HTTP) })
  }), null)
})

async function twoScopes (t: Test, names: [string, string] = ['of-a', 'of-b']): Promise<TestApp> {
  return startScopedApp(t, {
    callbacks: ['/a/callback', '/b/callback'],
    build: async (app, optionsAt) => {
      for (const [index, prefix] of ['/a', '/b'].entries()) {
        await app.register(async scope => {
          await scope.register(leAuth, { ...optionsAt(`${prefix}/callback`), session: { cookieName: names[index] } })
          scope.get('/me', { onRequest: scope.requireAuth }, async request => request.leAuth!.user.id)
        }, { prefix })
      }
      app.get('/me', async (_request, reply) => reply.code(401).send({ code: 'LE_AUTH_LOGIN_REQUIRED' }))
      app.get('/', async request => String((request as any).leAuth))
    }
  })
}

t.test('two registrations in two scopes work side by side', async t => {
  const app = await twoScopes(t)
  const browser = app.browser()
  t.equal((await logIn(app, browser, AGENT, '/a/me')).text, AGENT.id)
  const other = await browser.script(app.url('/b/me'))
  t.equal(`${other.status} ${errorCode(other)} ${other.json().loginUrl}`, '401 LE_AUTH_LOGIN_REQUIRED /b/login')

  const second = app.browser()
  t.equal((await logIn(app, second, ADMIN, '/b/me')).text, ADMIN.id)
  t.equal((await second.script(app.url('/a/me'))).status, 401)

  // Both in one browser, the second by way of the sign-on that it has at Sentinel.
  t.equal((await browser.navigate(app.url('/b/me'))).text, AGENT.id)
  t.same((await browser.cookieNames(app.url('/'))).sort(), ['of-a', 'of-b'])
  await browser.navigate(app.url('/a/logout'), { method: 'POST', form: {}, from: app.url('/a/me') })
  t.equal((await browser.script(app.url('/a/me'))).status, 401)
  t.equal((await browser.script(app.url('/b/me'))).text, AGENT.id, 'logged out of one, not of the other')
  t.equal((await browser.navigate(app.url('/'))).text, 'undefined', 'outside of both there is none')
})

t.test('MX2 neither takes a state of the other', async t => {
  for (const names of [['of-a', 'of-b'], ['same', 'same']] as Array<[string, string]>) {
    const app = await twoScopes(t, names)
    const browser = app.browser()
    const callback = new URL(await upToCallback(app, browser, '/a/login'))
    const crossed = await browser.step(app.url(`/b/callback${callback.search}`))
    t.equal(crossed.status, 400)
    t.match(errorCode(crossed), /LE_AUTH_(TRANSACTION_MISSING|STATE_MISMATCH)/)
    t.equal(app.calls('token'), 0)
    t.equal((await browser.script(app.url('/b/me'))).status, 401)
    await isAnonymous(t, app, browser)
    await browser.step(callback.href)
    t.equal((await browser.script(app.url('/a/me'))).text, AGENT.id, 'where it belongs it still works')
    t.equal((await browser.script(app.url('/b/me'))).status, 401)
  }
})

t.test('a Sentinel login page that a scope began leads back to that scope', async t => {
  const app = await twoScopes(t)
  const browser = app.browser()
  const pageOfA = await browser.navigate(app.url('/a/me'))
  const pageOfB = await browser.navigate(app.url('/b/me'))
  t.equal((await signIn(browser, pageOfB, ADMIN.loginName)).url, app.url('/b/me'))
  t.equal((await signIn(browser, pageOfA, AGENT.loginName)).url, app.url('/a/me'))
})

t.test('a store for the plugin where the app has a session plugin of its own, whose store it is that counts', async t => {
  const error = await withSession(t, { ...HTTP, session: { store: new session.MemoryStore() } }, { cookie: { secure: 'auto' } })
  t.equal(error?.code, 'LE_AUTH_SETUP_INVALID')
  t.match(error?.message, /session\.store has no effect, .* Give the store to that plugin/)
})
