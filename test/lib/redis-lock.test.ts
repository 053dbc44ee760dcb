import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { redisLock, type RedisLockClient } from '../../lib/store/redis-lock.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

interface LockClient {
  client: RedisLockClient
  isReady: () => boolean
}

const clients: Array<
  [name: string, connect: (t: Test, redis: RedisServer) => Promise<LockClient>]
> = [
  [
    'redis',
    async (_t, redis) => {
      const client = await redis.client()
      return { client, isReady: () => client.isReady }
    }
  ],
  [
    'ioredis',
    async (t, { url }) => {
      const client = new Redis(url, {
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        retryStrategy: () => 50,
        lazyConnect: true
      })
      client.on('error', () => {})
      await client.connect()
      t.teardown(() => client.disconnect())
      return { client, isReady: () => client.status === 'ready' }
    }
  ]
]

for (const [name, connect] of clients) {
  t.test(`The Redis lock works with a client of ${name}.`, async t => {
    const redis = await startRedis(t)
    if (redis === null) return
    const { client, isReady } = await connect(t, redis)
    const onlooker = await redis.client()
    const nextId = (): string => `le-auth:tokens:${Math.random()}`

    await t.test('Only one caller at a time has the lock.', async t => {
      const id = nextId()
      let holders = 0
      let most = 0
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          const held = await redisLock(client).acquire(id)
          most = Math.max(most, ++holders)
          await new Promise(resolve => setTimeout(resolve, 20))
          holders -= 1
          await held.release()
        })
      )
      t.equal(most, 1)
      t.equal(await onlooker.exists(`mutex:${id}`), 0)
    })

    await t.test('The locks of two token sets are independent of each other.', async () => {
      const lock = redisLock(client, { wait: 500 })
      const both = await Promise.all([lock.acquire(nextId()), lock.acquire(nextId())])
      await Promise.all(both.map(held => held.release()))
    })

    await t.test(
      'A lock is kept for longer than its lease, and nothing waits for longer than ' +
        'the option wait.',
      async t => {
        const id = nextId()
        const held = await redisLock(client, { lease: 1500 }).acquire(id)
        const begun = Date.now()
        await t.rejects(redisLock(client, { wait: 2500 }).acquire(id))
        t.ok(Date.now() - begun >= 2400)
        t.equal(await onlooker.exists(`mutex:${id}`), 1)
        await held.release()
        await (await redisLock(client, { wait: 500 }).acquire(id)).release()
      }
    )

    await t.test('A lock that is not renewed expires with its lease.', async t => {
      const id = nextId()
      // The lock of a process that was killed.
      await onlooker.set(`mutex:${id}`, 'the dead', { expiration: { type: 'PX', value: 500 } })
      const begun = Date.now()
      const held = await redisLock(client).acquire(id)
      t.ok(Date.now() - begun >= 400)
      t.ok((await onlooker.pTTL(`mutex:${id}`)) > 5000, 'the next holder has its own lease')
      await held.release()
    })

    await t.test(
      'A holder that has lost the lock takes it from no other holder at its release.',
      async t => {
        const id = nextId()
        const first = await redisLock(client).acquire(id)
        await onlooker.del(`mutex:${id}`)
        const second = await redisLock(client).acquire(id)
        await first.release()
        t.equal(await onlooker.exists(`mutex:${id}`), 1)
        await second.release()
        t.equal(await onlooker.exists(`mutex:${id}`), 0)
      }
    )

    await t.test(
      'Redis may stop while a lock is held and waited for, and start again.',
      async t => {
        const id = nextId()
        // tap fails a test that leaves a rejection unhandled.
        const held = await redisLock(client, { lease: 300 }).acquire(id)
        const waiting = t.rejects(redisLock(client, { wait: 3000 }).acquire(id))
        await redis.stop()
        await waiting
        await until(() => !isReady())
        await t.rejects(redisLock(client, { wait: 3000 }).acquire(id))
        // Time for renewals to fail.
        await new Promise(resolve => setTimeout(resolve, 700))
        await held.release()
        await redis.start()
        await until(isReady)
        await (await redisLock(client, { wait: 3000 }).acquire(id)).release()
      }
    )
  })
}
