import { RedisStore } from 'connect-redis'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { startApp } from '../support/app.ts'
import { enter } from '../support/login.ts'
import { startRedis } from '../support/redis.ts'

/** The log's line about a login that the store makes fail. */
async function failure(t: Test, client: any): Promise<any> {
  const app = await startApp(t, { options: { store: new RedisStore({ client }) } })
  const response = await enter(app, app.browser())
  t.equal(response.status, 503)
  t.match(response.text, /LE_AUTH_STORE_UNAVAILABLE/)
  t.notMatch(response.text, /connect-redis|OOM command/)
  return app.events().at(-1)
}

t.test('connect-redis 9 with a client of ioredis is named as the cause.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  t.match(await failure(t, client), {
    code: 'LE_AUTH_STORE_UNAVAILABLE',
    reason: 'ERR',
    hint: /connect-redis 9 and later take a client of the package redis, and none of ioredis/
  })
})

t.test('The reason is the code of the error that Redis sends.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = await redis.client()
  await client.configSet('maxmemory', '1')
  const event = await failure(t, client)
  t.equal(event.reason, 'OOM')
  t.match(event.hint, /^The session store failed/)
})
