import t from 'tap'
import { MINUTE } from '../support/clock.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'
import { type Fleet, startFleet } from '../support/processes/fleet.ts'
import { everything, startRedis } from '../support/redis.ts'
import { hold, until } from '../support/wait.ts'

const LEASE = 1000

t.test('A process that is killed or stopped loses no login.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = await redis.client()
  const fleet = await startFleet(t, { size: 4, redisUrl: redis.url, lock: { lease: LEASE } })
  const agent = fleet.browser()
  await logIn(fleet, agent)

  await t.test(
    'A process killed during a login loses only that login, which the user can begin again.',
    async t => {
      const admin = await fleet.at(fleet.browser(), 1)
      fleet.sentinel.next('token', { hang: true })
      const login = logIn(fleet, admin, ADMIN)
      const cutOff = t.rejects(login)
      await until(() => fleet.calls('token') === 2)
      await fleet.instances[1]!.end('SIGKILL')
      await cutOff

      const otherProcess = await fleet.at(admin, 0)
      t.equal((await otherProcess.script(fleet.url('/me'))).status, 401)
      t.equal(
        (await otherProcess.navigate(fleet.url('/login'))).text,
        `hello ${ADMIN.id}`,
        'Sentinel still knows the user'
      )
      t.equal((await agent.script(fleet.url('/me'))).json().id, AGENT.id)
    }
  )

  await t.test(
    'If a process is killed while it holds the lock and before Sentinel acts, another ' +
      'takes over when the lease expires.',
    async t => {
      await fleet.advance(61 * MINUTE)
      fleet.sentinel.next('refresh', { hang: true })
      const [dying, waiting] = [await fleet.at(agent, 2), await fleet.at(agent, 3)]
      const cutOff = t.rejects(dying.script(fleet.url('/users')))
      await until(() => fleet.calls('refresh') === 1)
      await until(async () => (await locks()).length === 1)
      const response = waiting.script(fleet.url('/users'))
      await fleet.instances[2]!.end('SIGKILL')
      const killedAt = Date.now()
      await cutOff
      t.equal((await response).json().status, 200)
      t.ok(Date.now() - killedAt < 10 * LEASE)
      t.equal(fleet.calls('refresh'), 2)
      await until(async () => (await locks()).length === 0)
      await isStillLoggedIn(fleet)
    }
  )

  await t.test(
    'A process stopped by SIGTERM during a background refresh stores the new tokens first.',
    async t => {
      const [ending, other] = [await fleet.at(agent, 3), await fleet.at(agent, 0)]
      t.equal(
        (await ending.script(fleet.url('/me'))).json().id,
        AGENT.id,
        'this process knows the newest tokens'
      )
      const before = await tokenSets()
      await fleet.advance(31 * MINUTE)
      const calls = fleet.calls('refresh')
      const held = hold(fleet.sentinel, 'refresh')
      t.equal(
        (await ending.script(fleet.url('/me'))).json().id,
        AGENT.id,
        'the request does not wait for the refresh'
      )
      await held.ready()
      const ended = fleet.instances[3]!.end('SIGTERM')
      await until(() =>
        fetch(fleet.instances[3]!.server).then(
          () => false,
          () => true
        )
      )
      t.same(await tokenSets(), before)
      held.release()
      t.equal(await ended, 0)
      t.equal((await tokenSets()).filter(record => !before.includes(record)).length, 1)
      t.equal((await other.script(fleet.url('/users'))).json().status, 200)
      t.equal(fleet.calls('refresh'), calls + 1)
      await until(async () => (await locks()).length === 0)
      await isStillLoggedIn(fleet)
    }
  )

  /** Also after the next refresh: the stored refresh token is the newest one. */
  async function isStillLoggedIn(fleet: Fleet): Promise<void> {
    await fleet.advance(61 * MINUTE)
    const there = await fleet.at(agent, 0)
    t.equal((await there.script(fleet.url('/users'))).json().status, 200)
  }

  async function locks(): Promise<string[]> {
    return client.keys('mutex:*')
  }

  async function tokenSets(): Promise<string[]> {
    return [...(await everything(client))]
      .filter(([key]) => key.startsWith('sess:le-auth:tokens:'))
      .map(([, value]) => value)
  }
})
