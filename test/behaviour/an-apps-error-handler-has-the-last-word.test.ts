import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import type { LeAuthError } from '../../lib/index.ts'
import { logIn } from '../support/login.ts'
import { type Failure, failingGuards } from '../support/failing-guards.ts'

const FAILURES: Record<Failure, string> = {
  login: '401 mine: LE_AUTH_LOGIN_REQUIRED /login',
  admin: '403 mine: LE_AUTH_ADMIN_REQUIRED undefined',
  store: '503 mine: LE_AUTH_STORE_UNAVAILABLE undefined',
  refresh: '503 mine: LE_AUTH_REFRESH_UNAVAILABLE undefined'
}

function mine(thrown: unknown, _request: FastifyRequest, reply: FastifyReply): unknown {
  const error = thrown as LeAuthError
  return reply.code(error.statusCode).send(`mine: ${error.code} ${error.loginUrl}`)
}

const throwOn = async (error: unknown): Promise<never> => {
  throw error
}

/** Where an app may have its error handler, and what else it may have. */
const SETTINGS: Record<string, Parameters<typeof failingGuards>[1]> = {
  'of the app': { before: app => app.setErrorHandler(mine) },
  'of the scope': {
    route: scope => {
      scope.setErrorHandler(mine)
      return {}
    }
  },
  'of the route': { route: () => ({ errorHandler: mine }) },
  'of the app, behind one of the scope that throws the error on': {
    before: app => app.setErrorHandler(mine),
    route: scope => {
      scope.setErrorHandler(throwOn)
      return {}
    }
  },
  'of the scope, behind one of the route that sends the error on': {
    route: scope => {
      scope.setErrorHandler(mine)
      return { errorHandler: (error, _request, reply) => reply.send(error) }
    }
  }
}

for (const [where, setting] of Object.entries(SETTINGS)) {
  t.test(`Every failure of a guard goes to the error handler ${where}.`, async t => {
    const { open, script, submit } = await failingGuards(t, setting!)
    for (const [failure, expected] of Object.entries(FAILURES)) {
      const asked = [await script(failure as Failure), await submit(failure as Failure)]
      if (failure !== 'login') asked.push(await open(failure as Failure))
      for (const { status, text } of asked) t.equal(`${status} ${text}`, expected)
    }
    const page = await open('login')
    t.equal(`${page.status} ${page.location}`, '302 /login?returnTo=%2Fguarded%3Fa%3D1')
  })
}

t.test('An error handler that passes errors on gets the page of the plugin.', async t => {
  const seen: string[] = []
  const { open, script } = await failingGuards(t, {
    before: app =>
      app.setErrorHandler<LeAuthError>((error, _request, reply) => {
        seen.push(error.code)
        reply.send(error)
      })
  })
  t.match((await open('admin')).text, /<h1>You may not see this page<\/h1>/)
  t.equal((await script('admin')).json().code, 'LE_AUTH_ADMIN_REQUIRED')
  t.same(seen, ['LE_AUTH_ADMIN_REQUIRED', 'LE_AUTH_ADMIN_REQUIRED'])
})

for (const before of [() => {}, (app: FastifyInstance) => app.setErrorHandler(mine)]) {
  t.test('A refused request never gets to its handler, even if the app goes on.', async t => {
    const ran: string[] = []
    const { app } = await failingGuards(t, {
      before,
      after: app => {
        const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
          await Promise.resolve(app.requireAdmin(request, reply)).catch(() => {})
        }
        app.get('/caught', { onRequest }, async () => ran.push('caught'))
      }
    })
    const user = app.browser()
    t.equal((await user.script(app.url('/caught'))).status, 401)
    await logIn(app, user)
    t.equal((await user.script(app.url('/caught'))).status, 403)
    t.same(ran, [])
  })
}

t.test('An error of the plugin’s own routes goes to the error handler of the app.', async t => {
  for (const [handler, expected] of [
    [mine, /^mine: LE_AUTH_LOGOUT_CROSS_SITE undefined$/],
    [throwOn, /^<!doctype html>/]
  ] as const) {
    const { app } = await failingGuards(t, { before: app => app.setErrorHandler(handler) })
    const request = { method: 'POST', form: {}, from: 'https://evil.example/' }
    const { status, text } = await app.browser().step(app.url('/logout'), request)
    t.equal(status, 403)
    t.match(text, expected)
  }
})

t.test(
  'If an onSend hook of the app fails for the response, its error is the response.',
  async t => {
    const setting = {
      after: (app: FastifyInstance) => {
        app.addHook('onSend', async (_request, _reply, payload) => JSON.parse(String(payload)).x)
      }
    }
    for (const before of [() => {}, (app: FastifyInstance) => app.setErrorHandler(throwOn)]) {
      const { open } = await failingGuards(t, { ...setting, before })
      t.match((await open('admin')).json().message, 'is not valid JSON')
      t.match((await open('store')).json().message, 'is not valid JSON')
    }
  }
)
