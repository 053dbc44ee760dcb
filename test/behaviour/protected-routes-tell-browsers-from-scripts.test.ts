import { connect } from 'node:net'
import t from 'tap'
import Fastify from 'fastify'
import { requireAdmin, requireAuth, type LeAuthError } from '../../lib/index.ts'
import { startApp } from '../support/app.ts'
import { ADMIN, logIn } from '../support/login.ts'

type Headers = Record<string, string>

const HTML = 'text/html,application/xhtml+xml'
const PAGES: Record<string, Headers> = {
  'a page opened in a browser': {
    accept: HTML,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-site': 'cross-site'
  },
  'a browser that sends no destination': { accept: HTML, 'sec-fetch-mode': 'navigate' },
  'a browser without Fetch Metadata': { accept: `${HTML},*/*;q=0.8` },
  'a service worker that passes a page on': {
    accept: HTML,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'empty'
  },
  'a service worker that adds a header to a page’s request': {
    accept: HTML,
    'sec-fetch-mode': 'same-origin',
    'sec-fetch-dest': 'empty'
  },
  'a frame of the app itself': {
    accept: HTML,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'iframe',
    'sec-fetch-site': 'same-origin'
  },
  'a frameset of the app itself': {
    accept: HTML,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'frame',
    'sec-fetch-site': 'same-origin'
  }
}
const OTHERS: Record<string, Headers> = {
  'a script': { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
  'a script that accepts html': {
    accept: HTML,
    'sec-fetch-mode': 'cors',
    'sec-fetch-dest': 'empty'
  },
  'an image': { accept: 'image/*', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
  'a script of the same origin': {
    accept: '*/*',
    'sec-fetch-mode': 'same-origin',
    'sec-fetch-dest': 'empty'
  },
  'a worker of the same origin': {
    accept: HTML,
    'sec-fetch-mode': 'same-origin',
    'sec-fetch-dest': 'worker'
  },
  'a frame of another site': {
    accept: HTML,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'iframe',
    'sec-fetch-site': 'cross-site'
  },
  'a frame of another host of the site': {
    accept: HTML,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'iframe',
    'sec-fetch-site': 'same-site'
  },
  'an object of the app itself': {
    accept: HTML,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'object',
    'sec-fetch-site': 'same-origin'
  },
  'a prefetch': {
    accept: HTML,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-purpose': 'prefetch;prerender'
  },
  'an old prefetch': { accept: HTML, purpose: 'prefetch' },
  'a program': { accept: '*/*' },
  'a program that sends no such header': {}
}

for (const [name, headers] of Object.entries(PAGES)) {
  t.test(`A request is redirected to /login with its own path: ${name}.`, async t => {
    const app = await startApp(t)
    const response = await app.browser().send(app.url('/page/a?b=c'), { headers })
    t.equal(response.status, 302)
    t.equal(response.location, '/login?returnTo=%2Fpage%2Fa%3Fb%3Dc')
    t.equal(response.headers['cache-control'], 'no-store')
  })
}

for (const [name, headers] of Object.entries(OTHERS)) {
  t.test(`A request gets 401 and never starts a login: ${name}.`, async t => {
    const app = await startApp(t)
    for (const path of ['/page/a', '/me', '/admin']) {
      const response = await app.browser().send(app.url(path), { headers })
      t.equal(response.status, 401)
      t.equal(response.location, undefined)
      t.same(response.setCookies, [])
      t.equal(response.headers['cache-control'], 'no-store')
      t.same(response.json(), {
        statusCode: 401,
        code: 'LE_AUTH_LOGIN_REQUIRED',
        error: 'Unauthorized',
        message: 'Log in to continue.',
        loginUrl: '/login'
      })
    }
    t.equal(app.calls('domain'), 0)
  })
}

t.test('A form POST and a HEAD request are not redirected.', async t => {
  const app = await startApp(t)
  const headers = PAGES['a page opened in a browser']!
  t.equal((await app.browser().send(app.url('/change'), { method: 'POST', headers })).status, 401)
  t.equal((await app.browser().send(app.url('/page/a'), { method: 'HEAD', headers })).status, 401)
})

t.test(
  'As onRequest, the guard refuses before the body is read; as preHandler, it refuses after ' +
    'that.',
  async t => {
    const app = await startApp(t, {
      after: app => {
        const schema = { body: { type: 'object', required: ['name'] } }
        app.post('/early', { schema, onRequest: app.requireAuth }, async () => 'never')
        app.post('/late', { schema, preHandler: app.requireAuth }, async () => 'never')
      }
    })
    const bad = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '0' }
    }
    t.equal((await app.browser().send(app.url('/early'), bad)).status, 401)
    t.equal((await app.browser().send(app.url('/late'), bad)).status, 400)
  }
)

t.test('Responses for a user may not be cached unless the app says otherwise.', async t => {
  const app = await startApp(t, {
    after: app => {
      app.get('/cached', { preHandler: app.requireAuth }, async (_request, reply) => {
        reply.header('cache-control', 'private, max-age=60')
        return 'x'
      })
      app.get(
        '/cached-before',
        {
          onRequest: [
            async (_request, reply) => {
              reply.header('cache-control', 'private, max-age=5')
            },
            app.requireAuth
          ]
        },
        async () => 'x'
      )
    }
  })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/me'))).headers['cache-control'], 'private, no-store')
  t.equal(
    (await browser.script(app.url('/cached'))).headers['cache-control'],
    'private, max-age=60'
  )
  t.equal(
    (await browser.script(app.url('/cached-before'))).headers['cache-control'],
    'private, max-age=5'
  )
})

t.test('A session that names a login, or a login that has only begun, logs nobody in.', async t => {
  const app = await startApp(t, {
    after: app =>
      app.get('/forge', async ({ session }) => {
        session.leAuth = 'k'.repeat(43)
        return 'forged'
      })
  })
  const browser = app.browser()
  await browser.step(app.url('/login'))
  t.equal((await browser.script(app.url('/me'))).status, 401, 'a login that has only begun')
  await browser.script(app.url('/forge'))
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal((await browser.navigate(app.url('/'))).text, 'hello stranger')
})

t.test('A scope that was registered before the plugin can be guarded as well.', async t => {
  let guard: any
  const app = await startApp(t, {
    before: app =>
      app.register(async child => {
        child.get(
          '/child',
          { preHandler: (request, reply, done) => guard(request, reply, done) },
          async () => 'for users'
        )
        child.get('/open', async ({ leAuth }) => ({ leAuth }))
      }),
    after: app => {
      guard = app.requireAuth
    }
  })
  const browser = app.browser()
  t.equal((await browser.script(app.url('/child'))).status, 401)
  t.same((await browser.script(app.url('/open'))).json(), { leAuth: null })
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/child'))).text, 'for users')
})

t.test('The guard refuses a request that the plugin’s hook has not seen.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const other = Fastify()
  t.teardown(() => other.close())
  other.get('/x', { preHandler: app.app.requireAuth }, async () => 'let through')
  const headers = { cookie: await browser.jar.getCookieString(app.url('/')) }
  t.equal((await other.inject({ url: '/x', headers })).statusCode, 401)
})

t.test(
  'A request line in absolute form works like any other, and its host is not trusted.',
  async t => {
    const app = await startApp(t)
    const browser = app.browser()
    await logIn(app, browser)
    const cookie = await browser.jar.getCookieString(app.origin)
    const port = Number(new URL(app.server).port)
    for (const [path, status] of [
      ['/me', '200'],
      ['/callback?state=x', '400'],
      ['/admin', '403'],
      ['/', '200']
    ] as const) {
      const response = await new Promise<string>(resolve => {
        let text = ''
        const socket = connect(port, '127.0.0.1', () =>
          socket.write(
            `GET http://evil.example${path} HTTP/1.1\r\nHost: evil.example\r\nAccept: application/json\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`
          )
        )
        socket
          .on('data', data => {
            text += String(data)
          })
          .on('close', () => resolve(text))
      })
      t.match(response, `HTTP/1.1 ${status}`, path)
      t.notMatch(response, 'evil.example')
      if (status === '200') t.match(response, '3562186410')
    }
  }
)

t.test('A guard that is a hook of the whole app leaves the login itself open.', async t => {
  for (const guard of ['requireAuth', 'requireAdmin'] as const) {
    const app = await startApp(t, {
      after: app => {
        app.addHook('onRequest', app[guard])
      }
    })
    const browser = app.browser()
    t.equal((await browser.step(app.url('/'))).location, '/login?returnTo=%2F')
    t.equal(
      (await logIn(app, browser, guard === 'requireAuth' ? undefined : ADMIN, '/')).url,
      app.url('/')
    )
    t.equal((await browser.submit(app.url('/logout'), {})).status, 200)
  }
})

t.test(
  'The exported guards protect routes that were defined before the plugin had loaded.',
  async t => {
    const app = await startApp(t, {
      before: app => {
        app.get('/early', { preHandler: requireAuth }, async () => 'for users')
        app.get('/early-admin', { onRequest: requireAdmin }, async () => 'for administrators')
      }
    })
    const browser = app.browser()
    t.equal((await browser.script(app.url('/early'))).status, 401)
    t.equal((await browser.script(app.url('/early-admin'))).status, 401)
    await logIn(app, browser)
    t.equal((await browser.script(app.url('/early'))).text, 'for users')
    t.equal((await browser.script(app.url('/early-admin'))).status, 403)
  }
)

t.test(
  'The exported guards let nobody through if the plugin is not registered, and say why.',
  async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    app.setErrorHandler((error: LeAuthError, _request, reply) => {
      reply
        .code(error.statusCode)
        .send({ code: error.code, reason: error.reason, hint: error.hint })
    })
    app.get('/early', { preHandler: requireAuth }, async () => 'never')
    app.get('/early-admin', { preHandler: requireAdmin }, async () => 'never')
    for (const url of ['/early', '/early-admin']) {
      const response = await app.inject(url)
      t.equal(response.statusCode, 500)
      t.match(response.json(), {
        code: 'LE_AUTH_SETUP_INVALID',
        reason: 'not_registered',
        hint: /fastify-le-auth is not registered in its scope/
      })
    }
  }
)
