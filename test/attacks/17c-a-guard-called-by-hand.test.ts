import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction
} from 'fastify'
import { guardAttack } from '../support/attack/attack-on-login.ts'
import { errorCode } from '../support/checks.ts'
import { MINUTE } from '../support/clock.ts'
import { until } from '../support/wait.ts'

const OPEN = ['/health', '/hooks/:name']
const isOpen = (request: FastifyRequest): boolean => OPEN.includes(request.routeOptions.url ?? '')

/** Ways an app may call the guard in a hook of the whole app, with exceptions. */
const WAYS: Record<string, (app: FastifyInstance, hook: 'onRequest' | 'preHandler') => unknown> = {
  'awaited in an async hook': (app, hook) =>
    app.addHook(hook, async (request: FastifyRequest, reply: FastifyReply) => {
      if (!isOpen(request)) await app.requireAuth(request, reply)
    }),
  'awaited with a done that does nothing': (app, hook) =>
    app.addHook(hook, async (request: FastifyRequest, reply: FastifyReply) => {
      if (!isOpen(request)) await app.requireAuth(request, reply, () => {})
    }),
  'returned by an async hook': (app, hook) =>
    app.addHook(hook, async (request: FastifyRequest, reply: FastifyReply) =>
      isOpen(request) ? undefined : app.requireAuth(request, reply)
    ),
  'given the done of a hook': (app, hook) =>
    app.addHook(
      hook,
      (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => {
        if (isOpen(request)) done()
        else app.requireAuth(request, reply, done)
      }
    )
}

for (const [way, add] of Object.entries(WAYS)) {
  for (const hook of ['onRequest', 'preHandler'] as const) {
    guardAttack(
      'GA3',
      `a guard that is ${way}, as ${hook}, lets users in and no visitors`,
      'CWE-670',
      async (t, { user, browser, url, ran, clock, calls, sentinel, endTokens }) => {
        const request = async (browser = user): Promise<string> => {
          ran.length = 0
          const { status } = await browser.script(url('/inside'))
          return `${status} ${ran.join()}`
        }
        for (const path of ['/health', '/hooks/one']) {
          t.equal((await browser().script(url(path))).status, 200, `${path} is open to visitors`)
        }
        t.equal(await request(browser()), '401 ', 'the handler does not run for a visitor')
        const page = await browser().step(url('/inside'))
        t.equal(`${page.status} ${page.location}`, '302 /login?returnTo=%2Finside')
        t.equal(await request(), '200 inside', 'the handler runs once for a user')
        clock.advance(31 * MINUTE)
        t.equal(await request(), '200 inside', 'with a background refresh')
        await until(() => calls('refresh') === 1)
        const before = calls('refresh')
        clock.advance(61 * MINUTE)
        t.equal(await request(), '200 inside', 'after a refresh')
        t.ok(calls('refresh') > before)
        clock.advance(61 * MINUTE)
        sentinel.next('refresh', { status: 503 })
        ran.length = 0
        const ill = await user.script(url('/inside'))
        t.equal(
          `${ill.status} ${errorCode(ill)} ${ran.length}`,
          '503 LE_AUTH_REFRESH_UNAVAILABLE 0',
          'a failed refresh is reported'
        )
        endTokens()
        t.equal(await request(), '401 ', 'a login whose refresh token is dead has ended')
        t.equal(await request(), '401 ')
      },
      {
        before: app => {
          app.addHook('onSend', async (_request, _reply, payload) => {
            await new Promise(resolve => setTimeout(resolve, 20))
            return payload
          })
        },
        routes: (app, ran) => {
          add(app, hook)
          app.get('/inside', async () => ran('inside'))
          app.get('/health', async () => 'well')
          app.get('/hooks/:name', async () => 'heard')
        }
      }
    )
  }
}

guardAttack(
  'GA3',
  'a guard for administrators that is called by hand refuses visitors and other users',
  'CWE-670',
  async (t, { user, browser, url, ran }) => {
    t.equal((await browser().script(url('/inside'))).status, 401)
    const response = await user.script(url('/inside'))
    t.equal(`${response.status} ${errorCode(response)}`, '403 LE_AUTH_ADMIN_REQUIRED')
    t.same(ran, [])
  },
  {
    routes: (app, ran) => {
      app.get(
        '/inside',
        {
          onRequest: async (request, reply) => {
            await app.requireAdmin(request, reply)
          }
        },
        async () => ran('inside')
      )
    }
  }
)
