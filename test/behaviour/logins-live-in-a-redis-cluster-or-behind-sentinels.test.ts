import { RedisStore } from 'connect-redis'
import { Cluster, Redis } from 'ioredis'
import { createClientPool, createCluster, createSentinel } from 'redis'
import t, { type Test } from 'tap'
import { redisLock, type RedisLockClient } from '../../lib/store/redis-lock.ts'
import { startApp } from '../support/app.ts'
import { AGENT, logIn, logOut } from '../support/login.ts'
import {
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  WATCHED,
  type RedisServer
} from '../support/redis.ts'

/** Only one of several callers at a time has the lock, and a lock that is released is gone. */
async function locks(t: Test, client: RedisLockClient): Promise<void> {
  const id = `le-auth:tokens:${Math.random()}`
  let holders = 0
  let most = 0
  const lock = redisLock(client)
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      const held = await lock.acquire(id)
      most = Math.max(most, ++holders)
      await new Promise(resolve => setTimeout(resolve, 20))
      holders -= 1
      await held.release()
    })
  )
  t.equal(most, 1)
  const held = await lock.acquire(id)
  await t.rejects(redisLock(client, { wait: 200 }).acquire(id), 'it is taken')
  await held.release()
  await (await redisLock(client, { wait: 200 }).acquire(id)).release()
}

/** A user logs in, gets new tokens and logs out, with the client as store and as lock. */
async function logsIn(t: Test, client: any, redis: RedisServer): Promise<void> {
  const app = await startApp(t, {
    options: { store: new RedisStore({ client }), lock: redisLock(client) },
    after: app => {
      app.get('/refresh', { onRequest: app.requireAuth }, async request => {
        await request.leAuth!.refresh()
        return 'refreshed'
      })
    }
  })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  t.equal((await browser.script(app.url('/refresh'))).text, 'refreshed')
  await logOut(app, browser)
  t.equal((await browser.script(app.url('/me'))).status, 401)
  const onlooker = await redis.client()
  t.same(
    (await onlooker.keys('*')).filter(key => !key.startsWith('sess:le-auth:state:')),
    [],
    'no login, no tokens and no lock are left'
  )
}

t.test('createCluster of the package redis serves as store and as lock.', async t => {
  const redis = await startRedisCluster(t)
  if (redis === null) return
  const client = createCluster({ rootNodes: [{ url: redis.url }] })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.destroy())
  await locks(t, client)
  await logsIn(t, client, redis)
})

t.test('createSentinel of the package redis serves as store and as lock.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const port = await startRedisSentinel(t, redis)
  const client = createSentinel({ name: WATCHED, sentinelRootNodes: [{ host: '127.0.0.1', port }] })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.destroy())
  await locks(t, client)
  await logsIn(t, client, redis)
})

t.test('createClientPool of the package redis serves as store and as lock.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = createClientPool({ url: redis.url })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.destroy())
  await locks(t, client)
  await logsIn(t, client, redis)
})

t.test('A Cluster of ioredis serves as lock.', async t => {
  const redis = await startRedisCluster(t)
  if (redis === null) return
  const client = new Cluster([{ host: '127.0.0.1', port: redis.port }])
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  await locks(t, client)
})

t.test('ioredis with sentinels serves as lock.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const port = await startRedisSentinel(t, redis)
  const client = new Redis({ name: WATCHED, sentinels: [{ host: '127.0.0.1', port }] })
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  await locks(t, client)
})
