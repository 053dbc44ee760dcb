import auth from '@fastify/auth'
import t from 'tap'
import { startApp } from '../support/app.ts'
import { AGENT, logIn } from '../support/login.ts'

t.test(
  'The guard works as the last function of @fastify/auth, in an `and` and in an ' + '`or`.',
  async t => {
    const ran: string[] = []
    const app = await startApp(t, {
      after: async app => {
        await app.register(auth)
        const withKey = async ({
          headers
        }: {
          headers: Record<string, unknown>
        }): Promise<void> => {
          if (headers['x-key'] !== 'right') {
            throw Object.assign(new Error('a key is needed'), { statusCode: 403 })
          }
        }
        const handler = (name: string) => async (): Promise<string> => {
          ran.push(name)
          return name
        }
        app.get(
          '/either',
          { onRequest: app.auth([withKey as never, app.requireAuth as never]) },
          handler('either')
        )
        app.get(
          '/both',
          {
            onRequest: app.auth([withKey as never, app.requireAuth as never], { relation: 'and' })
          },
          handler('both')
        )
      }
    })
    const key = { headers: { 'x-key': 'right' } }
    const visitor = app.browser()
    const user = app.browser()
    await logIn(app, user, AGENT)
    const statusOf = async (browser: typeof user, path: string, more = {}): Promise<number> =>
      (await browser.script(app.url(path), more)).status
    t.same(
      [
        await statusOf(visitor, '/either'),
        await statusOf(visitor, '/either', key),
        await statusOf(user, '/either')
      ],
      [401, 200, 200]
    )
    t.same(
      [
        await statusOf(visitor, '/both'),
        await statusOf(visitor, '/both', key),
        await statusOf(user, '/both'),
        await statusOf(user, '/both', key)
      ],
      [403, 401, 403, 200]
    )
    t.same(ran, ['either', 'either', 'both'])
  }
)
