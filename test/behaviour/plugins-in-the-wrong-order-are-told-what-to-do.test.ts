import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import leAuth from '../../lib/index.ts'
import { SECRET } from '../support/app.ts'

const { accountId, clientId, clientSecret } = EMULATOR_DEFAULTS
const OPTIONS = {
  accountId,
  clientId,
  clientSecret,
  redirectUri: 'http://localhost:3000/callback',
  secret: SECRET
}

type Build = (app: FastifyInstance) => unknown

/** What stops an app before it is ready. */
async function startUp(t: Test, build: Build): Promise<any> {
  const app = Fastify()
  t.teardown(() => app.close().catch(() => {}))
  try {
    await build(app)
    await app.ready()
  } catch (error) {
    return error
  }
}

/** Something in a scope below the plugin's. */
const below =
  (build: Build): Build =>
  app =>
    app.register(async scope => {
      await build(scope)
    })

const COOKIE_FIRST = /Register @fastify\/cookie before fastify-le-auth, or not at all/
const ONCE = /Register fastify-le-auth once, in a scope of its own .* or rename the other decorator/

const late: Array<[what: string, build: Build, wayOut: RegExp]> = [
  ['@fastify/cookie', app => app.register(cookie), COOKIE_FIRST],
  ['@fastify/cookie in a scope below', below(app => app.register(cookie)), COOKIE_FIRST],
  [
    'another plugin’s request.session',
    app => app.decorateRequest('session', null as never),
    /another name \(sessionName in @fastify\/secure-session\)/
  ],
  ['this plugin', app => app.register(leAuth, OPTIONS), ONCE],
  ['this plugin in a scope below', below(app => app.register(leAuth, OPTIONS)), ONCE],
  ['app.requireAuth', app => app.decorate('requireAuth', (() => {}) as never), ONCE],
  ['app.requireAdmin', app => app.decorate('requireAdmin', (() => {}) as never), ONCE],
  ['request.leAuth', app => app.decorateRequest('leAuth', null as never), ONCE],
  [
    'request.leAuth in a scope below',
    below(app => app.decorateRequest('leAuth', null as never)),
    ONCE
  ]
]

for (const [what, build, wayOut] of late) {
  t.test(`The error of ${what}, registered after the plugin, says what to do.`, async t => {
    const error = await startUp(t, async app => {
      await app.register(leAuth, OPTIONS)
      await build(app)
    })
    t.equal(`${error?.code} ${error?.reason}`, 'LE_AUTH_SETUP_INVALID name_taken')
    t.match(error?.message, wayOut)
  })
}

t.test('A request.cookies of another plugin than @fastify/cookie is refused.', async t => {
  const others: Build[] = [
    app => app.decorateRequest('cookies', null as never),
    app => {
      app.decorateRequest('cookies', null as never)
      app.decorate('parseCookie', (() => ({})) as never)
    }
  ]
  for (const other of others) {
    const error = await startUp(t, async app => {
      await other(app)
      await app.register(leAuth, OPTIONS)
    })
    t.equal(`${error?.code} ${error?.reason}`, 'LE_AUTH_SETUP_INVALID cookie_plugin')
    t.match(error?.message, /Use @fastify\/cookie, or register the other plugin in a scope/)
  }
})

t.test('Errors of other decorators stay Fastify’s own.', async t => {
  const error = await startUp(t, async app => {
    await app.register(leAuth, OPTIONS)
    app.decorate('mine', 1).decorate('mine', 2)
  })
  t.equal(error?.code, 'FST_ERR_DEC_ALREADY_PRESENT')
  const wrongType = await startUp(t, async app => {
    await app.register(leAuth, OPTIONS)
    await app.register(async scope => {
      scope.decorateRequest('session', {} as never)
    })
  })
  t.equal(wrongType?.code, 'FST_ERR_DEC_REFERENCE_TYPE')
})

t.test('A scope beside the plugin’s may have any plugin, in either order.', async t => {
  const ours = below(app => app.register(leAuth, OPTIONS))
  const theirs = below(async app => {
    await app.register(cookie)
    await app.register(session, { secret: SECRET })
    app.decorate('requireAuth', (() => {}) as never)
  })
  for (const builds of [
    [ours, theirs],
    [theirs, ours]
  ]) {
    const error = await startUp(t, async app => {
      for (const build of builds) await build(app)
    })
    t.equal(error, undefined)
  }
})
