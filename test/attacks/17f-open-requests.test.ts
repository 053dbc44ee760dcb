import type { FastifyInstance } from 'fastify'
import type { Authentication } from '../../lib/index.ts'
import { guardAttack, type LoginStage } from '../support/attack/attack-on-login.ts'
import { HOUR, MINUTE } from '../support/clock.ts'
import { AGENT, logOut } from '../support/login.ts'
import { gate, type Gate, until } from '../support/wait.ts'

/** The `leAuth` that a stream, a socket or a job still holds after its request. */
let held: Authentication
const holding = (app: FastifyInstance): void => {
  app.get('/hold', { onRequest: app.requireAuth }, async ({ leAuth }) => {
    held = leAuth!
    return 'held'
  })
}

const ACTS: Record<string, (leAuth: Authentication) => Promise<unknown>> = {
  getAccessToken: leAuth => leAuth.getAccessToken(),
  refresh: leAuth => leAuth.refresh(),
  fetch: leAuth =>
    leAuth.fetch('accountConfigReadOnly', '/api/account/{accountId}/configuration/le-users/users'),
  logout: leAuth => leAuth.logout()
}

guardAttack(
  'GA8',
  'a request.leAuth that is held past the idle lifetime acts no more',
  'CWE-613',
  async (t, { user, url, clock, calls }) => {
    await user.script(url('/hold'))
    clock.advance(50 * MINUTE)
    t.equal((await user.script(url('/'))).status, 200, 'any request counts as activity')
    clock.advance(50 * MINUTE)
    await t.resolves(held.refresh(), 'it acts until then')
    clock.advance(10 * MINUTE)
    const before = calls('refresh') + calls('users')
    for (const [name, act] of Object.entries(ACTS)) {
      await t.rejects(act(held), { code: 'LE_AUTH_LOGIN_REQUIRED', reason: 'idle_lifetime' }, name)
    }
    t.equal(calls('refresh') + calls('users'), before, 'nothing was sent')
  },
  { routes: holding, options: { idleLifetime: HOUR } }
)

guardAttack(
  'GA8',
  'a call that still waits for the look-up of its host when its login ends is not sent',
  'CWE-613',
  async (t, stage) => {
    await stage.user.script(stage.url('/hold'))
    const lookUp = gate()
    stage.sentinel.next('domain', {
      change: async made => {
        await lookUp.pass()
        return made
      }
    })
    const call = ACTS.fetch!(held)
    await lookUp.reached()
    await logOut(stage, stage.user)
    lookUp.open()
    await t.rejects(call, { code: 'LE_AUTH_LOGIN_REQUIRED', reason: 'logged_out' })
    t.equal(stage.calls('users'), 0)
  },
  { routes: holding }
)

guardAttack(
  'GA8',
  'a call for a login that has ended does not look up its host',
  'CWE-613',
  async (t, stage) => {
    await stage.user.script(stage.url('/hold'))
    await logOut(stage, stage.user)
    const lookUps = stage.calls('domain')
    await t.rejects(ACTS.fetch!(held), { code: 'LE_AUTH_LOGIN_REQUIRED', reason: 'logged_out' })
    t.equal(stage.calls('domain'), lookUps)
  },
  { routes: holding }
)

for (const [what, hasLaterRequest] of [
  [
    'a request.leAuth that is held past the absolute lifetime acts no more, ' +
      'however busy its login is',
    false
  ],
  [
    'a request.leAuth that is held past the absolute lifetime reports that ' +
      'reason even if a request has come since',
    true
  ]
] as const) {
  guardAttack(
    'GA8',
    what,
    'CWE-613',
    async (t, { user, url, clock }) => {
      await user.script(url('/hold'))
      for (let i = 0; i < 7; i += 1) {
        clock.advance(HOUR)
        await user.script(url('/'))
      }
      clock.advance(HOUR)
      if (hasLaterRequest) t.equal((await user.script(url('/'))).text, 'hello stranger')
      for (const [name, act] of Object.entries(ACTS)) {
        await t.rejects(
          act(held),
          { code: 'LE_AUTH_LOGIN_REQUIRED', reason: 'absolute_lifetime' },
          name
        )
      }
    },
    { routes: holding }
  )
}

/** How a login ends in this process. */
const ENDS: Record<string, (stage: LoginStage) => unknown> = {
  'a logout': stage => logOut(stage, stage.user),
  'a dead refresh token': async ({ endTokens, user, url }) => {
    endTokens()
    await user.script(url('/me'))
  },
  'another login': async ({ user, url, sentinel }) => {
    const { location } = await user.step(url('/login'))
    await user.step(await sentinel.signIn(location!, AGENT.loginName))
  }
}
for (const [what, end] of Object.entries(ENDS)) {
  guardAttack(
    'GA8',
    `the signal aborts at once when ${what} ends the login in this process`,
    'CWE-613',
    async (t, stage) => {
      await stage.user.script(stage.url('/hold'))
      const { signal } = held
      let aborts = 0
      signal.addEventListener('abort', () => {
        aborts += 1
      })
      t.notOk(signal.aborted)
      await end(stage)
      t.ok(signal.aborted)
      t.equal(aborts, 1)
      for (const [name, act] of Object.entries(ACTS)) {
        await t.rejects(act(held), { code: 'LE_AUTH_LOGIN_REQUIRED' }, name)
      }
      t.ok(held.signal.aborted, 'a signal that is read later is aborted too')
    },
    { routes: holding }
  )
}

let slow: Gate
guardAttack(
  'GA9',
  'a request that only reads writes no old data back',
  'CWE-362',
  async (t, { user, url, clock }) => {
    const noted = async (): Promise<unknown> => (await user.script(url('/note'))).json().note
    await user.script(url('/note/first'))
    for (const path of ['/slow', '/slow/guarded']) {
      clock.advance(10 * MINUTE)
      slow = gate()
      const reading = user.script(url(path))
      await slow.reached()
      await user.script(url(`/note/of-${path.slice(-4)}`))
      slow.open()
      t.equal((await reading).status, 200)
      await until(async () => (await noted()) !== undefined)
      t.equal(await noted(), `of-${path.slice(-4)}`, `${path}: the data of the other request stays`)
    }
  },
  {
    routes: app => {
      app.get('/note', async ({ session }) => ({ note: Reflect.get(session, 'note') }))
      app.get('/note/:note', async ({ session, params }) => {
        Object.assign(session, params)
        return 'noted'
      })
      app.get('/slow', async ({ session }) => {
        const seen = Reflect.get(session, 'note')
        await slow.pass()
        return seen
      })
      app.get('/slow/guarded', { onRequest: app.requireAuth }, async ({ session }) => {
        const seen = Reflect.get(session, 'note')
        await slow.pass()
        return seen
      })
    }
  }
)
