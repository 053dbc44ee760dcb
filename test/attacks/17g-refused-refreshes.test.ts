import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Test } from 'tap'
import { guardAttack } from '../support/attack/attack-on-login.ts'
import { HOUR, MINUTE, SECOND } from '../support/clock.ts'
import { AGENT } from '../support/login.ts'
import { until } from '../support/wait.ts'

/** Counts the refreshes that are in flight. */
function refreshesOf(t: Test): { pending: () => number } {
  let [started, ended] = [0, 0]
  const start = (): void => {
    started += 1
  }
  const end = (): void => {
    ended += 1
  }
  const channels = [
    ['started', start],
    ['failed', end],
    ['succeeded', end]
  ] as const
  for (const [name, listener] of channels) subscribe(`fastify-le-auth:refresh:${name}`, listener)
  t.teardown(() => {
    for (const [name, listener] of channels) {
      unsubscribe(`fastify-le-auth:refresh:${name}`, listener)
    }
  })
  return { pending: () => started - ended }
}

for (const errorBody of ['oauth', 'nested', 'html'] as const) {
  for (const [what, accessToken, expiresIn] of [
    ['1 h', HOUR, 'number'],
    ['8 h', 8 * HOUR, 'number'],
    ['8 h without saying so', 8 * HOUR, 'absent']
  ] as const) {
    guardAttack(
      'GA10',
      `a user who was disabled is logged out after 30 minutes, with errors in ${errorBody} and tokens that live ${what}`,
      'CWE-613',
      async (t, { user, url, clock, sentinel, me, calls }) => {
        const refreshes = refreshesOf(t)
        t.equal(await me(user), AGENT.id)
        const [account] = sentinel.accounts
        Object.assign(
          account!.users.find(({ id }) => id === AGENT.id)!,
          { enabled: false }
        )
        sentinel.revokeUser(account!.accountId, AGENT.id)
        let minute = 0
        for (let isIn = true; isIn && minute <= 31; minute += 1) {
          clock.advance(MINUTE)
          isIn = (await user.script(url('/me'))).status === 200
          await until(() => refreshes.pending() === 0)
        }
        t.ok(minute <= 31, `logged out in minute ${minute}`)
        t.ok(minute > 20, 'not before a refresh was due')
        const count = calls('refresh')
        t.ok(count >= 1 && count <= 2, `${count} refreshes`)
        for (let i = 0; i < 3; i += 1) t.equal(await me(user), null)
        t.equal(calls('refresh'), count, 'Sentinel is not called again')
      },
      { emulator: { lifetimes: { accessToken }, behaviour: { errorBody, expiresIn } } }
    )
  }
}

guardAttack(
  'GA11',
  'a minLifetime above the lifetime of a token causes at most one refresh a minute',
  'CWE-400',
  async (t, { user, url, clock, calls }) => {
    for (let i = 0; i < 30; i += 1) {
      const response = await user.script(url('/lasting'))
      t.equal(response.status, 200)
      clock.advance(10 * SECOND)
    }
    t.ok(calls('refresh') <= 5, `${calls('refresh')} refreshes in 5 minutes`)
  },
  {
    emulator: { lifetimes: { accessToken: 5 * MINUTE } },
    routes: app => {
      app.get('/lasting', { onRequest: app.requireAuth }, async ({ leAuth }) => {
        await leAuth!.getAccessToken({ minLifetime: 10 * MINUTE })
        return 'got one'
      })
    }
  }
)

guardAttack(
  'GA11',
  'a minLifetime that no token reaches causes one refresh for many requests at ' +
    'once, and one for many calls of one request',
  'CWE-400',
  async (t, { user, url, clock, calls }) => {
    for (const path of ['/lasting', '/often']) {
      clock.advance(61 * SECOND)
      const before = calls('refresh')
      const responses = await Promise.all(
        Array.from({ length: path === '/often' ? 1 : 30 }, () => user.script(url(path)))
      )
      t.ok(responses.every(({ status }) => status === 200))
      t.equal(calls('refresh') - before, 1, path)
    }
  },
  {
    emulator: { lifetimes: { accessToken: 5 * MINUTE } },
    routes: app => {
      app.get('/lasting', { onRequest: app.requireAuth }, async ({ leAuth }) => {
        await leAuth!.getAccessToken({ minLifetime: 10 * MINUTE })
        return 'got one'
      })
      app.get('/often', { onRequest: app.requireAuth }, async ({ leAuth }) => {
        for (let i = 0; i < 30; i += 1) await leAuth!.getAccessToken({ minLifetime: 10 * MINUTE })
        return 'got one'
      })
    }
  }
)

guardAttack(
  'GA12',
  'visitors displace no user and no user’s session in the memory store',
  'CWE-770',
  async (t, { user, url, browser, me }) => {
    await user.script(url('/note'))
    for (let i = 0; i < 510; i += 30) {
      await Promise.all(
        Array.from({ length: 30 }, async () => {
          const visitor = browser()
          t.equal(
            (await visitor.script(url('/note'))).setCookies.length,
            1,
            'each visitor has a session'
          )
          await visitor.send(url(`/callback?code=A&state=${'x'.repeat(43)}`), {})
        })
      )
    }
    t.equal(await me(user), AGENT.id)
    t.equal((await user.script(url('/noted'))).text, `of ${AGENT.id}`)
  },
  {
    options: { maxLogins: 500 },
    routes: app => {
      app.get('/note', async ({ session, leAuth }) => {
        Object.assign(session, { note: `of ${leAuth?.user.id ?? 'a visitor'}` })
        return 'noted'
      })
      app.get('/noted', async ({ session }) => Reflect.get(session, 'note') ?? 'nothing')
    }
  }
)
