import auth from '@fastify/auth'
import t from 'tap'
import { AGENT, logIn, startApp } from '../support/app.js'

t.test('The guard works as the last of @fastify/auth, in an `and` as in an `or`.', async t => {
  const ran: string[] = []
  const app = await startApp(t, {
    after: async app => {
      await app.register(auth)
      const withKey = async ({ headers }: { headers: Record<string, unknown> }): Promise<void> => {
        if (headers['x-key'] !== 'right') throw Object.assign(new Error('a key is needed'), { statusCode: 403 })
      }
      const handler = (name: string) => async (): Promise<string> => { ran.push(name); return name }
      app.get('/either', { onRequest: app.auth([withKey as never, app.requireAuth as never]) }, handler('either'))
      app.get('/both', { onRequest: app.auth([withKey as never, app.requireAuth as never], { relation: 'and' }) }, handler('both'))
    }
  })
  const key = { headers: { 'x-key': 'right' } }
  const stranger = app.browser()
  const user = app.browser()
  await logIn(app, user, AGENT)
  const ask = async (browser: typeof user, path: string, more = {}): Promise<number> => (await browser.script(app.url(path), more)).status
  t.same([await ask(stranger, '/either'), await ask(stranger, '/either', key), await ask(user, '/either')], [401, 200, 200])
  t.same([await ask(stranger, '/both'), await ask(stranger, '/both', key), await ask(user, '/both'), await ask(user, '/both', key)], [403, 401, 403, 200])
  t.same(ran, ['either', 'either', 'both'])
})
