import t from 'tap'
import leAuthPlugin from '../../lib/index.ts'
import { startApp, startScopedApp } from '../support/app.ts'
import { Browser } from '../support/browser.ts'
import { errorCode, isAnonymous } from '../support/checks.ts'
import { AGENT, logIn } from '../support/login.ts'
import { startStrippingProxy } from '../support/servers.ts'

t.test('All routes of a scope with a prefix are below that prefix.', async t => {
  const app = await startScopedApp(t, {
    callbacks: ['/app1/callback'],
    build: async (app, optionsAt) => {
      await app.register(
        async scope => {
          await scope.register(leAuthPlugin, optionsAt('/app1/callback'))
          scope.get('/', async request =>
            request.leAuth ? `hello ${request.leAuth.user.id}` : 'stranger'
          )
          scope.get(
            '/me',
            { onRequest: scope.requireAuth },
            async request => request.leAuth!.user.id
          )
        },
        { prefix: '/app1' }
      )
    }
  })
  const browser = app.browser()
  const anonymous = await browser.step(app.url('/app1/me?x=1'))
  t.equal(anonymous.location, `/app1/login?returnTo=${encodeURIComponent('/app1/me?x=1')}`)
  t.equal((await browser.script(app.url('/app1/me'))).json().loginUrl, '/app1/login')
  t.equal((await browser.step(app.url('/login'))).status, 404)

  t.equal((await logIn(app, browser, AGENT, '/app1/me')).text, AGENT.id)
  t.equal(
    new URL(
      app.sentinel.requests
        .find(request => request.endpoint === 'authorize')!
        .query.get('redirect_uri')!
    ).pathname,
    '/app1/callback'
  )
  const failed = await browser.step(app.url('/app1/callback?state=x'))
  t.match(failed.text, 'href="/app1/login"')
  const logout = await browser.step(app.url('/app1/logout'), {
    method: 'POST',
    form: {},
    from: app.url('/app1/')
  })
  t.equal(`${logout.status} ${logout.location}`, '303 /')
  t.equal((await browser.script(app.url('/app1/me'))).status, 401)
})

t.test('A login works in a prefix within a prefix.', async t => {
  const app = await startScopedApp(t, {
    callbacks: ['/one/two/auth/back'],
    build: async (app, optionsAt) => {
      await app.register(
        async outer => {
          await outer.register(
            async scope => {
              await scope.register(leAuthPlugin, {
                ...optionsAt('/one/two/auth/back'),
                routes: { login: '/auth/in', logout: '/auth/out' }
              })
              scope.get(
                '/me',
                { onRequest: scope.requireAuth },
                async request => request.leAuth!.user.id
              )
            },
            { prefix: '/two' }
          )
        },
        { prefix: '/one' }
      )
    }
  })
  const browser = app.browser()
  t.equal(
    (await browser.step(app.url('/one/two/me'))).location,
    `/one/two/auth/in?returnTo=${encodeURIComponent('/one/two/me')}`
  )
  t.equal((await logIn(app, browser, AGENT, '/one/two/me')).text, AGENT.id)
})

t.test('Browsers behind a proxy that strips a prefix see the prefix everywhere.', async t => {
  const app = await startApp(t, {
    origin: 'https://app.example.com',
    callback: '/app1/callback',
    options: { routes: { callback: '/callback' } }
  })
  const proxy = await startStrippingProxy(t, '/app1', app.server)
  const browser = new Browser({ [app.origin]: proxy })

  const anonymous = await browser.step(app.url('/app1/page/one?x=1'))
  t.equal(anonymous.location, `/app1/login?returnTo=${encodeURIComponent('/app1/page/one?x=1')}`)
  t.equal((await browser.script(app.url('/app1/me'))).json().loginUrl, '/app1/login')

  t.equal(
    (await logIn(app, browser, AGENT, '/app1/page/one?x=1')).url,
    app.url('/app1/page/one?x=1')
  )
  t.equal(
    app.sentinel.requests
      .find(request => request.endpoint === 'authorize')!
      .query.get('redirect_uri'),
    'https://app.example.com/app1/callback'
  )
  t.equal(
    app.sentinel.requests.find(request => request.endpoint === 'token')!.body!.get('redirect_uri'),
    'https://app.example.com/app1/callback'
  )
  t.equal((await browser.script(app.url('/app1/me'))).json().id, AGENT.id)

  const other = new Browser({ [app.origin]: proxy })
  t.equal(
    (await logIn(app, other, AGENT, '/app1/login')).url,
    app.url('/app1/'),
    'a login without a return path ends below the prefix'
  )
  const failed = await other.step(app.url('/app1/callback?state=x'))
  t.match(failed.text, 'href="/app1/login"')
  const looping = await logIn(
    app,
    new Browser({ [app.origin]: proxy }),
    AGENT,
    `/app1/login?returnTo=${encodeURIComponent('/app1/login')}`
  )
  t.equal(looping.url, app.url('/app1/'), 'a login never ends at the login route itself')

  const logout = await browser.step(app.url('/app1/logout'), {
    method: 'POST',
    form: {},
    from: app.url('/app1/')
  })
  t.equal(`${logout.status} ${logout.location}`, '303 /app1/')
  t.equal((await browser.script(app.url('/app1/me'))).status, 401)
})

t.test(
  'A failed login behind a proxy that strips a prefix links to the next login, with its ' +
    'return path.',
  async t => {
    const app = await startApp(t, {
      origin: 'https://app.example.com',
      callback: '/app1/callback',
      options: { routes: { callback: '/callback' } }
    })
    const browser = new Browser({ [app.origin]: await startStrippingProxy(t, '/app1', app.server) })
    app.sentinel.next('token', { status: 503 })
    const failed = await logIn(app, browser, AGENT, '/app1/page/one')
    t.equal(errorCode(failed), 'LE_AUTH_SENTINEL_UNAVAILABLE')
    const link = /href="([^"]+)"/.exec(failed.text)![1]!
    t.equal(link, `/app1/login?returnTo=${encodeURIComponent('/app1/page/one')}`)
    t.equal((await browser.navigate(new URL(link, failed.url).href)).text, 'page /page/one')
  }
)

t.test('The return paths in the options are the paths that the browser sees.', async t => {
  const app = await startApp(t, {
    origin: 'https://app.example.com',
    callback: '/app1/callback',
    options: {
      routes: { callback: '/callback' },
      returnTo: { afterLogin: '/app1/page/start', afterLogout: '/bye' }
    }
  })
  const browser = new Browser({ [app.origin]: await startStrippingProxy(t, '/app1', app.server) })
  t.equal((await logIn(app, browser, AGENT, '/app1/login')).url, app.url('/app1/page/start'))
  t.equal(
    (
      await browser.step(app.url('/app1/logout'), {
        method: 'POST',
        form: {},
        from: app.url('/app1/')
      })
    ).location,
    '/bye'
  )
})

t.test(
  'If redirectUri is https, a request that arrives as http fails with an error that says so.',
  async t => {
    const app = await startApp(t, {
      origin: 'https://app.example.com',
      fastify: { trustProxy: false }
    })
    const browser = app.browser()
    const response = await browser.step(app.url('/login'))
    t.equal(`${response.status} ${errorCode(response)}`, '500 LE_AUTH_INSECURE_REQUEST')
    t.match(app.events().at(-1).hint, /trustProxy/)
    t.equal(response.location, undefined)
    t.same(response.setCookies, [])
    t.same([app.calls('domain'), app.calls('authorize')], [0, 0])
    const guarded = await browser.navigate(app.url('/page/one'))
    t.equal(errorCode(guarded), 'LE_AUTH_INSECURE_REQUEST', 'no redirect loop')
  }
)

t.test(
  'A request whose proxy does not report https in X-Forwarded-Proto fails with an error ' +
    'that says so.',
  async t => {
    const app = await startApp(t, { origin: 'https://app.example.com' })
    const browser = app.browser()
    const response = await browser.step(app.url('/login'), {
      headers: { 'x-forwarded-proto': 'http' }
    })
    t.equal(`${response.status} ${errorCode(response)}`, '500 LE_AUTH_INSECURE_REQUEST')
  }
)

const headers: Array<Record<string, string>> = [
  { host: 'evil.example' },
  { host: 'evil.example:444' },
  { 'x-forwarded-host': 'evil.example' },
  {
    'x-forwarded-host': 'evil.example, app.example.com',
    'x-forwarded-port': '444',
    'x-forwarded-prefix': '/evil'
  },
  {
    forwarded: 'host=evil.example;proto=http',
    'x-original-url': '//evil.example',
    'x-rewrite-url': '//evil.example'
  },
  { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-for': 'evil.example' }
]

t.test('HH1 HH4 Host and forwarded headers change nothing.', async t => {
  for (const [origin, trustProxy] of [
    ['http://localhost:3000', false],
    ['http://localhost:3000', true],
    ['https://app.example.com', true]
  ] as const) {
    const app = await startApp(t, { origin, fastify: { trustProxy } })
    const attributes = (line: string): string =>
      line.replace(/^[^;]*/, '').replace(/Expires=[^;]*/, '')
    const usual = await app.browser().step(app.url('/login'))
    for (const extra of headers) {
      const what = `${origin} ${JSON.stringify(extra)}`
      const browser = app.browser()
      const start = await browser.step(app.url('/login'), { headers: extra })
      t.equal(start.status, 302, what)
      const url = new URL(start.location!)
      t.equal(url.origin, app.sentinel.url)
      t.equal(url.searchParams.get('redirect_uri'), app.redirectUri)
      t.same(start.setCookies.map(attributes), usual.setCookies.map(attributes))
      t.notMatch(JSON.stringify(start.headers) + start.text, 'evil')

      const guarded = await browser.step(app.url('/page/one'), { headers: extra })
      t.equal(guarded.location, `/login?returnTo=${encodeURIComponent('/page/one')}`)
      const failed = await browser.step(app.url('/callback?state=x'), { headers: extra })
      t.equal(errorCode(failed), 'LE_AUTH_CALLBACK_INVALID (state_malformed)')
      t.notMatch(failed.text, 'evil')

      await logIn(app, browser)
      t.equal((await browser.script(app.url('/me'), { headers: extra })).status, 200)
      const logout = await browser.step(app.url('/logout'), {
        method: 'POST',
        form: {},
        from: app.url('/'),
        headers: extra
      })
      t.equal(`${logout.status} ${logout.location}`, '303 /')
      t.notMatch(logout.setCookies.join(), 'evil')
      await isAnonymous(t, app, browser)
    }
  }
})
