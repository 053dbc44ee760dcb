import { RedisStore } from 'connect-redis'
import Fastify from 'fastify'
import { createClient } from 'redis'
import leAuth, { type LeAuthOptions } from '../../lib/index.js'
import { redisRefreshLock, type RedisRefreshLockOptions } from '../../lib/store/redis-refresh-lock.js'

// One of several processes with the same app, as the README sets them up; fleet.ts starts them and moves their clocks.

/** What fleet.ts tells it. */
export interface InstanceSettings {
  redisUrl: string
  /** How far its clock is ahead at first, in ms. */
  ahead: number
  lock: RedisRefreshLockOptions | null
  options: LeAuthOptions
}

const settings = JSON.parse(process.argv[2]!) as InstanceSettings
let ahead = settings.ahead

const app = Fastify({ logger: { level: 'trace' } })
const redis = createClient({ url: settings.redisUrl, disableOfflineQueue: true, socket: { reconnectStrategy: 50 } })
redis.on('error', (error: { code?: string }) => app.log.error({ code: error.code }, 'Redis is away'))
await redis.connect()
app.addHook('onClose', () => redis.close())

await app.register(leAuth, {
  ...settings.options,
  now: () => Date.now() + ahead,
  session: { ...settings.options.session, store: new RedisStore({ client: redis }) },
  ...(settings.lock !== null && { refreshLock: redisRefreshLock(redis, settings.lock) })
})
app.get('/me', { onRequest: app.requireAuth }, async ({ leAuth }) => leAuth!.user)
app.get('/users', { onRequest: app.requireAuth }, async request => {
  const response = await request.leAuth!.fetch('accountConfigReadOnly', '/api/account/{accountId}/configuration/le-users/users')
  return { status: response.status }
})
app.get('/', async request => !request.leAuth ? 'hello stranger' : `hello ${request.leAuth.user.id}`)

process.on('message', ({ advance }: { advance: number }) => {
  ahead += advance
  process.send!({ advanced: advance })
})
process.once('SIGTERM', () => {
  app.close().then(() => process.exit(0), () => process.exit(1))
})
// The test is gone.
process.once('disconnect', () => process.exit(2))

process.send!({ address: await app.listen({ host: '127.0.0.1', port: 0 }) })
