import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { readSettings } from '../../example-app/settings.js'
import { freePort } from '../support/ports.js'
import { startRedis } from '../support/redis.js'
import { startExample } from './support.js'

const PASSWORD = 'hunter2-of-redis'

t.test('without INSTANCES and REDIS_URL it is one process that needs no Redis', async (t) => {
  t.match(readSettings({}), { instances: 1, redisUrl: null })
  t.match(readSettings({ INSTANCES: '', REDIS_URL: '' }), { instances: 1, redisUrl: null })
})

t.test('one process may have a Redis, and several must', async (t) => {
  const REDIS_URL = 'redis://127.0.0.1:6379'
  t.match(readSettings({ REDIS_URL }), { instances: 1, redisUrl: REDIS_URL })
  t.match(readSettings({ INSTANCES: '64', REDIS_URL: 'rediss://u:p@redis.example:6380/1' }), { instances: 64, redisUrl: /^rediss:/ })
  t.throws(() => readSettings({ INSTANCES: '2' }), { message: /^Several INSTANCES need a Redis.*REDIS_URL=redis:\/\/127.0.0.1:6379.*leave INSTANCES out/ })
})

t.test('a number of instances that is none is refused', async (t) => {
  for (const INSTANCES of ['0', '65', '-1', '2.5', 'max', '1e1', ' 2']) {
    t.throws(() => readSettings({ INSTANCES, REDIS_URL: 'redis://127.0.0.1' }), { message: 'INSTANCES must be a number from 1 to 64.' }, INSTANCES)
  }
})

t.test('an address that is none is refused without its password', async (t) => {
  for (const REDIS_URL of ['127.0.0.1:6379', 'localhost', `http://:${PASSWORD}@127.0.0.1`, `redis//:${PASSWORD}`]) {
    t.throws(() => readSettings({ REDIS_URL }), { message: /^REDIS_URL must be an address like (?!.*hunter2)/ }, REDIS_URL)
  }
})

/** Starts the app where it cannot start, and gives back what it said. */
async function refusal (t: Test, variables: Record<string, string>): Promise<string> {
  const example = startExample(t, { PORT: String(await freePort()), ...variables })
  t.equal(await example.exited, 1)
  const output = example.output()
  t.equal(output.match(/Northdesk cannot start/g)?.length, 1, 'it says so once')
  t.notMatch(output, /\n\s+at /, 'no stack is printed')
  t.notMatch(output, PASSWORD, 'no password is printed')
  return output
}

t.test('it says on the console how several instances get their Redis', async (t) => {
  t.match(await refusal(t, { INSTANCES: '4' }), 'Northdesk cannot start. Several INSTANCES need a Redis')
})

t.test('an address that only its reader can refuse is refused too', async (t) => {
  t.match(await refusal(t, { REDIS_URL: `redis://:${PASSWORD}@127.0.0.1/no-number` }), 'REDIS_URL must be an address like')
})

t.test('where no Redis is, none of several instances starts', async (t) => {
  const REDIS_URL = `redis://app:${PASSWORD}@127.0.0.1:${await freePort()}`
  t.match(await refusal(t, { INSTANCES: '3', REDIS_URL }), 'Cannot connect to Redis at REDIS_URL (ECONNREFUSED). Start Redis there')
})

t.test('a server that never answers is not waited for', async (t) => {
  const silent = createServer(socket => { socket.on('error', () => {}) })
  await new Promise<void>(resolve => { silent.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { silent.close() })
  const REDIS_URL = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`
  t.match(await refusal(t, { REDIS_URL }), '(ETIMEDOUT)')
})

t.test('with a real Redis', async (t) => {
  const redis = await startRedis(t)
  if (redis === null) return
  await (await redis.client()).configSet('requirepass', `not-${PASSWORD}`)
  const REDIS_URL = redis.url.replace('//', `//:not-${PASSWORD}@`)

  await t.test('a wrong password is told by Redis\'s own word for it', async (t) => {
    t.match(await refusal(t, { REDIS_URL: redis.url.replace('//', `//:${PASSWORD}@`) }), '(WRONGPASS)')
  })

  await t.test('a port in use is told once for all instances', async (t) => {
    const port = String(redis.port)
    t.match(await refusal(t, { INSTANCES: '3', REDIS_URL, PORT: port }), `Port ${port} is in use`)
  })

  await t.test('what is wrong with LivePerson\'s settings is told once for all instances', async (t) => {
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
