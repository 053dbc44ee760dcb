import Fastify, { type FastifyInstance } from 'fastify'
import { requireAdmin, requireAuth } from '../../lib/index.ts'
import { guardAttack } from '../support/attack/attack-on-login.ts'
import { errorCode } from '../support/checks.ts'

guardAttack(
  'GA4',
  'the exported guards trust no decorator of another plugin, whatever its name',
  'CWE-290',
  async t => {
    const open = (_request: unknown, _reply: unknown, done: () => void): void => done()
    for (const [name, guard] of Object.entries({ requireAuth, requireAdmin })) {
      for (const where of ['same scope', 'scope below'] as const) {
        let ran = 0
        const app = Fastify()
        t.teardown(() => app.close())
        app.decorate(name as 'requireAuth', open as never)
        const route = async (scope: FastifyInstance): Promise<void> => {
          scope.get('/inside', { onRequest: guard }, async () => {
            ran += 1
            return 'inside'
          })
        }
        await (where === 'same scope' ? route(app) : app.register(route))
        const response = await app.inject('/inside')
        t.equal(
          `${response.statusCode} ${response.json().code}`,
          '500 LE_AUTH_SETUP_INVALID',
          `${name}, ${where}`
        )
        t.equal(ran, 0, 'the handler did not run')
      }
    }
  }
)

guardAttack(
  'GA4',
  'the exported guards stay the plugin’s own below it, whatever decorators a scope has',
  'CWE-290',
  async (t, { browser, user, url, ran }) => {
    t.equal((await browser().script(url('/shadowed'))).status, 401)
    t.same(ran, [])
    t.equal((await user.script(url('/shadowed'))).status, 200)
  },
  {
    routes: (app, ran) => {
      app.register(async scope => {
        scope.decorate('requireAuth', ((_request: unknown, _reply: unknown, done: () => void) =>
          done()) as never)
        scope.get('/shadowed', { onRequest: requireAuth }, async () => ran('shadowed'))
      })
    }
  }
)

const INHERITED = [
  'leAuthRoute',
  'leAuth',
  'ownRoute',
  'isOwnRoute',
  'isAdmin',
  'user',
  'authenticated',
  'guarded',
  'requireAuth',
  'fastify-le-auth',
  'le-auth',
  'login',
  'ended',
  'over'
]

guardAttack(
  'GA5',
  'no inherited property opens a guard',
  'CWE-1321',
  async (t, { app, user, url, ran }) => {
    const cookie = await user.jar.getCookieString(url('/'))
    // The attacker's own login, offered to every request without a cookie.
    const planted = cookie.slice('le-auth='.length)
    for (const [name, value] of [
      ...INHERITED.map(name => [name, true] as const),
      ['le-auth', planted],
      ['le-auth.session', planted]
    ] as const) {
      const request = async (path: string, headers = {}): Promise<number> => {
        // eslint-disable-next-line no-extend-native -- that is the attack
        Object.defineProperty(Object.prototype, name, {
          value,
          configurable: true,
          writable: true,
          enumerable: false
        })
        try {
          return (await app.inject({ url: path, headers })).statusCode
        } finally {
          delete (Object.prototype as unknown as Record<string, unknown>)[name]
        }
      }
      for (const path of ['/inside', '/later', '/of-the-app', '/by-prototype', '/admins']) {
        t.equal(await request(path), 401, `${name}: ${path}`)
      }
      t.equal(await request('/admins', { cookie }), 403, `${name}: no administrator`)
    }
    t.same(ran, [], 'no handler ran')
    t.equal((await app.inject({ url: '/inside', headers: { cookie } })).statusCode, 200)
  },
  {
    routes: (app, ran) => {
      app.get('/inside', { onRequest: app.requireAuth }, async () => ran('inside'))
      app.get('/later', { preHandler: app.requireAuth }, async () => ran('later'))
      app.get('/admins', { onRequest: app.requireAdmin }, async () => ran('admins'))
      app.get(
        '/of-the-app',
        { onRequest: app.requireAuth, config: { leAuthRoute: true, ownRoute: true } as never },
        async () => ran('of-the-app')
      )
      app.get(
        '/by-prototype',
        { onRequest: app.requireAuth, config: Object.create({ leAuthRoute: true }) },
        async () => ran('by-prototype')
      )
    }
  }
)

/** What a careless or tricked handler may do to the user object. */
const CHANGES: Record<string, (leAuth: any, request: any) => unknown> = {
  'an assignment': ({ user }) => {
    user.isAdmin = true
  },
  'a new property': ({ user }) => {
    user.roles = ['admin']
  },
  'another id': ({ user }) => {
    user.id = 'evil'
  },
  'Object.assign': ({ user }) => Object.assign(user, { isAdmin: true, isLpa: true }),
  defineProperty: ({ user }) => Object.defineProperty(user, 'isAdmin', { value: true }),
  'another prototype': ({ user }) => Object.setPrototypeOf(user, { roles: ['admin'] }),
  'a claim': ({ user }) => {
    user.claims.email = 'evil@example.com'
  },
  'a new claim': ({ user }) => {
    user.claims.roles = ['admin']
  },
  'a claim that is deleted': ({ user }) => {
    delete user.claims.email
  },
  'another leAuth on the request': (_leAuth, request) => {
    request.leAuth = { user: { id: 'evil', isAdmin: true } }
  }
}

guardAttack(
  'GA6',
  'a handler that writes to the user object gives no right',
  'CWE-471',
  async (t, { user, url, browser }) => {
    const before = (await user.script(url('/me'))).json()
    for (const what of Object.keys(CHANGES)) {
      t.equal((await user.script(url(`/change/${encodeURIComponent(what)}`))).text, 'throws', what)
      t.same((await user.script(url('/me'))).json(), before, `${what}: without effect`)
      const admin = await user.script(url('/admin'))
      t.equal(`${admin.status} ${errorCode(admin)}`, '403 LE_AUTH_ADMIN_REQUIRED', what)
      t.equal((await browser().script(url('/admin'))).status, 401)
    }
  },
  {
    emulator: {},
    options: {
      onLogin: ({ user }) => {
        try {
          Object.assign(user, { isAdmin: true })
        } catch {}
      }
    },
    routes: app => {
      app.get('/change/:what', { onRequest: app.requireAuth }, async request => {
        try {
          CHANGES[(request.params as { what: string }).what]!(request.leAuth, request)
          return 'does not throw'
        } catch {
          return 'throws'
        }
      })
    }
  }
)
