import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { redisRefreshLock, type RedisLockClient } from '../../lib/store/redis-refresh-lock.js'
import { startRedis, type RedisServer } from '../support/redis.js'
import { until } from '../support/shifted.js'

interface LockClient {
  client: RedisLockClient
  isReady: () => boolean
}

const clients: Array<[name: string, connect: (t: Test, redis: RedisServer) => Promise<LockClient>]> = [
  ['redis', async (_t, redis) => {
    const client = await redis.client()
    return { client, isReady: () => client.isReady }
  }],
  ['ioredis', async (t, { url }) => {
    const client = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: () => 50, lazyConnect: true })
    client.on('error', () => {})
    await client.connect()
    t.teardown(() => client.disconnect())
    return { client, isReady: () => client.status === 'ready' }
  }]
]

for (const [name, connect] of clients) {
  t.test(`with a client of ${name}`, async t => {
    const redis = await startRedis(t)
    if (redis === null) return
    const { client, isReady } = await connect(t, redis)
    const onlooker = await redis.client()
    const nextId = (): string => `le-auth:tokens:${Math.random()}`

    await t.test('one at a time has it', async t => {
      const id = nextId()
      let holders = 0
      let most = 0
      await Promise.all(Array.from({ length: 8 }, async () => {
        const held = await redisRefreshLock(client).acquire(id)
        most = Math.max(most, ++holders)
        await new Promise(resolve => setTimeout(resolve, 20))
        holders -= 1
        await held.release()
      }))
      t.equal(most, 1)
      t.equal(await onlooker.exists(`mutex:${id}`), 0)
    })

    await t.test('the locks of two token sets have nothing to do with each other', async () => {
      const lock = redisRefreshLock(client, { wait: 500 })
      const both = await Promise.all([lock.acquire(nextId()), lock.acquire(nextId())])
      await Promise.all(both.map(held => held.release()))
    })

    await t.test('it is kept for longer than a lease, and nobody waits for longer than told', async t => {
      const id = nextId()
      const held = await redisRefreshLock(client, { lease: 1500 }).acquire(id)
      const begun = Date.now()
      await t.rejects(redisRefreshLock(client, { wait: 2500 }).acquire(id))
      t.ok(Date.now() - begun >= 2400)
      t.equal(await onlooker.exists(`mutex:${id}`), 1)
      await held.release()
      await (await redisRefreshLock(client, { wait: 500 }).acquire(id)).release()
    })

    await t.test('one that nobody renews ends with its lease', async t => {
      const id = nextId()
      // What is left of a process that was killed.
      await onlooker.set(`mutex:${id}`, 'the dead', { expiration: { type: 'PX', value: 500 } })
      const begun = Date.now()
      const held = await redisRefreshLock(client).acquire(id)
      t.ok(Date.now() - begun >= 400)
      t.ok(await onlooker.pTTL(`mutex:${id}`) > 5000, 'and the next one has a lease of its own')
      await held.release()
    })

    await t.test('who has lost it takes it from nobody when giving it back', async t => {
      const id = nextId()
      const first = await redisRefreshLock(client).acquire(id)
      await onlooker.del(`mutex:${id}`)
      const second = await redisRefreshLock(client).acquire(id)
      await first.release()
      t.equal(await onlooker.exists(`mutex:${id}`), 1)
      await second.release()
      t.equal(await onlooker.exists(`mutex:${id}`), 0)
    })

    await t.test('Redis may stop while it is held and while somebody waits, and start again', async t => {
      const id = nextId()
      // tap fails a test that leaves a rejection unhandled.
      const held = await redisRefreshLock(client, { lease: 300 }).acquire(id)
      const waiting = t.rejects(redisRefreshLock(client, { wait: 3000 }).acquire(id))
      await redis.stop()
      await waiting
      await until(() => !isReady())
      await t.rejects(redisRefreshLock(client, { wait: 3000 }).acquire(id))
      // Time for renewals to fail.
      await new Promise(resolve => setTimeout(resolve, 700))
      await held.release()
      await redis.start()
      await until(isReady)
      await (await redisRefreshLock(client, { wait: 3000 }).acquire(id)).release()
    })
  })
}
