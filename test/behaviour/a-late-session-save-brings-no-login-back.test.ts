import cookie from '@fastify/cookie'
import session, { type SessionStore } from '@fastify/session'
import { RedisStore } from 'connect-redis'
import type { Session } from 'fastify'
import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { AGENT, logIn } from '../support/login.ts'
import { everything, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const APP_SECRET = 'a secret of the app itself, of more than 32 characters'

/**
 * An app with its own @fastify/session at its defaults, which saves every session after every
 * response.
 */
interface SavingApp {
  app: TestApp
  clock: Clock
  /** How many slow requests have loaded their session. */
  waiting: () => number
  /** Lets the slow requests finish, which saves their sessions. */
  release: () => void
}

async function startSavingApp(t: Test, store: SessionStore): Promise<SavingApp> {
  const clock = new Clock()
  let released: Array<() => void> = []
  const app = await startApp(t, {
    options: { now: clock.now, idleLifetime: 8 * HOUR },
    emulator: { now: clock.now },
    before: async app => {
      await app.register(cookie)
      await app.register(session, { secret: APP_SECRET, store, cookie: { secure: 'auto' } })
    },
    after: app => {
      app.get('/slow/:what', { onRequest: app.requireAuth }, async request => {
        await new Promise<void>(resolve => released.push(resolve))
        if ((request.params as { what: string }).what === 'writer') {
          Object.assign(request.session, { visits: Date.now() })
        }
        return request.leAuth?.user.id
      })
    }
  })
  return {
    app,
    clock,
    waiting: () => released.length,
    release: () => {
      for (const release of released) release()
      released = []
    }
  }
}

const stores: Array<
  [
    name: string,
    start: (t: Test) => Promise<{ store: SessionStore; texts: () => Promise<string[]> } | null>
  ]
> = [
  [
    'connect-redis',
    async t => {
      const redis = await startRedis(t)
      if (redis === null) return null
      const client = await redis.client()
      return {
        store: new RedisStore({ client }) as unknown as SessionStore,
        texts: async () => [...(await everything(client))].flat()
      }
    }
  ],
  [
    'the memory store of @fastify/session',
    async () => {
      const records = new Map<string, Session>()
      return {
        store: new session.MemoryStore(records),
        texts: async () => [...records].flatMap(([key, record]) => [key, JSON.stringify(record)])
      }
    }
  ]
]

for (const [name, start] of stores) {
  t.test(`A late session save brings no token and no login back with ${name}.`, async t => {
    const started = await start(t)
    if (started === null) return
    const { app, clock, waiting, release } = await startSavingApp(t, started.store)

    for (const what of ['reader', 'writer']) {
      await t.test(`A slow ${what} from before a refresh puts no old token back.`, async t => {
        const browser = app.browser()
        await logIn(app, browser)
        const slow = browser.script(app.url(`/slow/${what}`))
        await until(() => waiting() === 1)
        for (let i = 0; i < 2; i += 1) {
          clock.advance(61 * MINUTE)
          t.equal(
            (await browser.script(app.url('/users'))).json().status,
            200,
            'Sentinel would have ended the login for a used refresh token'
          )
          release()
          t.equal((await slow).text, AGENT.id)
        }
        await browser.submit(app.url('/logout'), {})
      })

      await t.test(
        `A slow ${what} from before a logout does not log the user in ` + 'again.',
        async t => {
          const browser = app.browser()
          await logIn(app, browser)
          const before = await browser.copy()
          const slow = before.script(app.url(`/slow/${what}`))
          await until(() => waiting() === 1)
          await browser.submit(app.url('/logout'), {})
          release()
          t.equal((await slow).status, 200)
          for (const each of [browser, before]) {
            t.equal((await each.script(app.url('/me'))).status, 401)
          }
          t.same(
            (await started.texts()).filter(text => /le-auth:(login|tokens|active):/.test(text)),
            [],
            'nothing of the login is left'
          )
        }
      )
    }
  })
}
