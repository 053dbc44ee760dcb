import type { FastifyInstance, FastifyRequest } from 'fastify'
import { guardAttack } from '../support/attack/attack-on-login.ts'
import { ADMIN, AGENT, enter } from '../support/login.ts'
import { gate, type Gate } from '../support/wait.ts'

/** Calls that an app's hook may make before the guard runs, and whose errors it swallows. */
const SWALLOWED: Record<string, (request: FastifyRequest) => Promise<unknown> | undefined> = {
  getAccessToken: ({ leAuth }) => leAuth?.getAccessToken(),
  refresh: ({ leAuth }) => leAuth?.refresh(),
  fetch: ({ leAuth }) =>
    leAuth?.fetch('accountConfigReadOnly', '/api/account/{accountId}/configuration/le-users/users'),
  logout: ({ leAuth }) => leAuth?.logout()
}

/** A scope for each call, in which such a hook comes before the guards. */
async function swallowing(app: FastifyInstance, ran: (path: string) => string): Promise<void> {
  for (const [name, call] of Object.entries(SWALLOWED)) {
    await app.register(
      async scope => {
        scope.addHook('onRequest', async request => {
          await call(request)?.catch(() => {})
        })
        scope.get('/first', { onRequest: app.requireAuth }, async () => ran('first'))
        scope.get('/later', { preHandler: app.requireAuth }, async () => ran('later'))
        scope.get(
          '/hooks',
          {
            onRequest: [
              app.requireAuth,
              async () => {
                ran('a hook behind the guard')
              }
            ]
          },
          async () => ran('hooks')
        )
        scope.get('/admins', { onRequest: app.requireAdmin }, async () => ran('admins'))
      },
      { prefix: `/${name}` }
    )
  }
}

for (const name of Object.keys(SWALLOWED)) {
  guardAttack(
    'GA1',
    `a login that ${name} has ended or found ended in this request passes no guard`,
    'CWE-613',
    async (t, stage) => {
      for (const path of ['first', 'later', 'hooks', 'admins']) {
        const browser = stage.browser()
        await enter(stage, browser, path === 'admins' ? ADMIN : AGENT)
        if (name !== 'logout') stage.endTokens()
        t.equal((await browser.script(stage.url(`/${name}/${path}`))).status, 401, path)
        t.equal(await stage.me(browser), null)
      }
      t.same(stage.ran, [], 'no handler ran')
    },
    { routes: swallowing }
  )
}

guardAttack(
  'GA1',
  'a login that the guard itself finds ended, by a refresh that Sentinel ' +
    'refuses, reaches no hook behind the guard',
  'CWE-613',
  async (t, { user, url, ran, endTokens }) => {
    endTokens()
    t.equal((await user.script(url('/behind'))).status, 401)
    t.same(ran, [])
  },
  {
    routes: (app, ran) => {
      app.get(
        '/behind',
        {
          onRequest: [
            app.requireAuth,
            async () => {
              ran('a hook behind the guard')
            }
          ]
        },
        async () => ran('behind')
      )
    }
  }
)

let meanwhile = (): void => {}
for (const name of Object.keys(SWALLOWED)) {
  guardAttack(
    'GA1',
    `a login that ${name} ends or finds ended between the guard and the handler reaches no handler`,
    'CWE-613',
    async (t, { user, url, ran, endTokens }) => {
      meanwhile = endTokens
      t.equal((await user.script(url('/ends-later'))).status, 401)
      t.same(ran, [], 'no handler ran')
    },
    {
      routes: (app, ran) => {
        const swallow = async (request: FastifyRequest): Promise<void> => {
          meanwhile()
          await SWALLOWED[name]!(request)?.catch(() => {})
        }
        app.get('/ends-later', { onRequest: app.requireAuth, preHandler: swallow }, async () =>
          ran('ends-later')
        )
      }
    }
  )
}

let between: Gate
for (const where of ['preValidation', 'preHandler'] as const) {
  guardAttack(
    'GA1',
    `the second of two guards refuses a login that ended in a slow ${where} between them`,
    'CWE-613',
    async (t, { user, url, ran, sentinel }) => {
      between = gate()
      const waiting = user.script(url('/twice'))
      await between.reached()
      sentinel.expireRefreshTokens()
      t.equal(
        (await (await user.copy()).script(url('/refresh'))).status,
        401,
        'another request finds the login ended'
      )
      between.open()
      t.equal((await waiting).status, 401)
      t.same(ran, [], 'no handler ran')
    },
    {
      routes: (app, ran) => {
        const slow = async (): Promise<void> => between.pass()
        const behind = async (): Promise<void> => {
          ran('a hook behind the guard')
        }
        const hooks =
          where === 'preHandler'
            ? { preHandler: [slow, app.requireAuth, behind] }
            : { preValidation: slow, preHandler: [app.requireAuth, behind] }
        app.get('/twice', { onRequest: app.requireAuth, ...hooks }, async () => ran('twice'))
        app.get('/refresh', { onRequest: app.requireAuth }, async ({ leAuth }) => {
          await leAuth!.refresh()
          return 'refreshed'
        })
      }
    }
  )
}

for (const name of ['getAccessToken', 'refresh', 'fetch']) {
  guardAttack(
    'GA1',
    `a logout clears the cookie after ${name} has found the login ended`,
    'CWE-613',
    async (t, { user, url, endTokens, origin, me }) => {
      endTokens()
      const response = await user.step(url('/logout'), {
        method: 'POST',
        form: {},
        from: `${origin}/`
      })
      t.equal(`${response.status} ${response.location}`, '303 /')
      t.match(response.setCookies.join('\n'), /^le-auth=; Max-Age=0/m)
      t.same(await user.cookieNames(url('/')), ['le-auth.logged-out'], 'no login is left')
      t.equal(await me(user), null)
    },
    {
      before: app => {
        app.addHook('preHandler', async request => {
          if (request.url === '/logout') await SWALLOWED[name]!(request)?.catch(() => {})
        })
      }
    }
  )
}

/** Ways to guard a whole app. */
const WHOLE: Record<string, (app: FastifyInstance) => unknown> = {
  'by a hook': app => app.addHook('onRequest', app.requireAuth),
  'by hand': app =>
    app.addHook('onRequest', async (request, reply) => app.requireAuth(request, reply)),
  'by hand, for administrators': app =>
    app.addHook('onRequest', async (request, reply) => app.requireAdmin(request, reply))
}
for (const [how, guard] of Object.entries(WHOLE)) {
  guardAttack(
    'GA1',
    `a logout clears the cookie in an app that is guarded as a whole, ${how}, even if the guard has let the login through before`,
    'CWE-613',
    async (t, { user, url, endTokens, origin }) => {
      endTokens()
      for (let times = 0; times < 2; times += 1) {
        const response = await user.step(url('/logout'), {
          method: 'POST',
          form: {},
          from: `${origin}/`
        })
        t.equal(`${response.status} ${response.location}`, '303 /')
      }
      t.same(await user.cookieNames(url('/')), ['le-auth.logged-out'], 'no login is left')
    },
    {
      routes: app => {
        guard(app)
        app.addHook('preHandler', async request => {
          if (request.url === '/logout') await request.leAuth?.refresh().catch(() => {})
        })
      }
    }
  )
}
