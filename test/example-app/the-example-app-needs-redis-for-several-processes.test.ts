import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { readSettings } from '../../example-app/settings.ts'
import { startRedis } from '../support/redis.ts'
import { freePort } from '../support/servers.ts'
import { startExample } from './support.ts'

const PASSWORD = 'hunter2-of-redis'

t.test(
  'If INSTANCES and REDIS_URL are left out, the example app is one process that needs no ' +
    'Redis.',
  async t => {
    t.match(readSettings({}), { instances: 1, redisUrl: null })
    t.match(readSettings({ INSTANCES: '', REDIS_URL: '' }), { instances: 1, redisUrl: null })
  }
)

t.test('One process may have a Redis, and several processes must.', async t => {
  const REDIS_URL = 'redis://127.0.0.1:6379'
  t.match(readSettings({ REDIS_URL }), { instances: 1, redisUrl: REDIS_URL })
  t.match(readSettings({ INSTANCES: '64', REDIS_URL: 'rediss://u:p@redis.example:6380/1' }), {
    instances: 64,
    redisUrl: /^rediss:/
  })
  t.throws(() => readSettings({ INSTANCES: '2' }), {
    message:
      /^Several INSTANCES need a Redis.*REDIS_URL=redis:\/\/127.0.0.1:6379.*leave INSTANCES out/
  })
})

t.test('An invalid number of INSTANCES is refused.', async t => {
  for (const INSTANCES of ['0', '65', '-1', '2.5', 'max', '1e1', ' 2']) {
    t.throws(
      () => readSettings({ INSTANCES, REDIS_URL: 'redis://127.0.0.1' }),
      { message: 'INSTANCES must be a number from 1 to 64.' },
      INSTANCES
    )
  }
})

t.test('An invalid REDIS_URL is refused, and its password is not shown.', async t => {
  for (const REDIS_URL of [
    '127.0.0.1:6379',
    'localhost',
    `http://:${PASSWORD}@127.0.0.1`,
    `redis//:${PASSWORD}`
  ]) {
    t.throws(
      () => readSettings({ REDIS_URL }),
      { message: /^REDIS_URL must be an address like (?!.*hunter2)/ },
      REDIS_URL
    )
  }
})

/** Starts the example app with settings that it refuses, and returns what it printed. */
async function refusal(t: Test, variables: Record<string, string>): Promise<string> {
  const example = startExample(t, { PORT: String(await freePort()), ...variables })
  t.equal(await example.exited, 1)
  const output = example.output()
  t.equal(output.match(/Northdesk cannot start/g)?.length, 1, 'the refusal is printed once')
  t.notMatch(output, /\n\s+at /, 'no stack is printed')
  t.notMatch(output, PASSWORD, 'no password is printed')
  return output
}

t.test('The console says how several INSTANCES get their Redis.', async t => {
  t.match(
    await refusal(t, { INSTANCES: '4' }),
    'Northdesk cannot start. Several INSTANCES need a Redis'
  )
})

t.test('A REDIS_URL that only the Redis client can refuse is refused too.', async t => {
  t.match(
    await refusal(t, { REDIS_URL: `redis://:${PASSWORD}@127.0.0.1/no-number` }),
    'REDIS_URL must be an address like'
  )
})

t.test('If there is no Redis, none of several processes starts.', async t => {
  const REDIS_URL = `redis://app:${PASSWORD}@127.0.0.1:${await freePort()}`
  t.match(
    await refusal(t, { INSTANCES: '3', REDIS_URL }),
    'Cannot connect to Redis at REDIS_URL (ECONNREFUSED). Start Redis there'
  )
})

t.test('The example app does not wait for a Redis that never responds.', async t => {
  const silent = createServer(socket => {
    socket.on('error', () => {})
  })
  await new Promise<void>(resolve => {
    silent.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    silent.close()
  })
  const REDIS_URL = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`
  t.match(await refusal(t, { REDIS_URL }), '(ETIMEDOUT)')
})

t.test('A wrong setting is also reported with a real Redis.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  await (await redis.client()).configSet('requirepass', `not-${PASSWORD}`)
  const REDIS_URL = redis.url.replace('//', `//:not-${PASSWORD}@`)

  await t.test('A wrong password is reported with the error code of Redis.', async t => {
    t.match(
      await refusal(t, { REDIS_URL: redis.url.replace('//', `//:${PASSWORD}@`) }),
      '(WRONGPASS)'
    )
  })

  await t.test('A port in use is reported once for all processes.', async t => {
    const port = String(redis.port)
    t.match(await refusal(t, { INSTANCES: '3', REDIS_URL, PORT: port }), `Port ${port} is in use`)
  })

  await t.test('Wrong settings of LivePerson are reported once for all processes.', async t => {
    const output = await refusal(t, {
      INSTANCES: '3',
      REDIS_URL,
      LE_ACCOUNT_ID: '12345678',
      LE_CLIENT_ID: 'client',
      LE_CLIENT_SECRET: 'a-client-secret-that-nobody-may-see',
      LE_REDIRECT_URI: 'http://example.com/callback',
      LE_AUTH_SECRET: 'too short'
    })
    t.match(output, /redirectUri must be https/)
    t.notMatch(output, /a-client-secret|too short/)
  })
})
