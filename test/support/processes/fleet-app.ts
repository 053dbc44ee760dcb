import { RedisStore } from 'connect-redis'
import Fastify from 'fastify'
import { createClient } from 'redis'
import leAuth, { type LeAuthOptions } from '../../../lib/index.ts'
import { redisLock, type RedisLockOptions } from '../../../lib/store/redis-lock.ts'

// The app that each process of a fleet runs, set up as in the README; fleet.ts starts the processes
// and moves their clocks.

/** What fleet.ts passes to each process. */
export interface InstanceSettings {
  redisUrl: string
  /** How far its clock is ahead at first, in ms. */
  ahead: number
  lock: RedisLockOptions | null
  options: LeAuthOptions
}

const settings = JSON.parse(process.argv[2]!) as InstanceSettings
let ahead = settings.ahead

const app = Fastify({ logger: { level: 'trace' } })
const redis = createClient({
  url: settings.redisUrl,
  disableOfflineQueue: true,
  socket: { reconnectStrategy: 50 }
})
redis.on('error', ({ code }: { code?: string }) => app.log.error({ code }, 'Redis is away'))
await redis.connect()
app.addHook('onClose', () => redis.close())

await app.register(leAuth, {
  ...settings.options,
  now: () => Date.now() + ahead,
  store: new RedisStore({ client: redis }),
  ...(settings.lock !== null && { lock: redisLock(redis, settings.lock) })
})
app.get('/me', { onRequest: app.requireAuth }, async ({ leAuth }) => leAuth!.user)
app.get('/users', { onRequest: app.requireAuth }, async request => {
  const path = '/api/account/{accountId}/configuration/le-users/users'
  const response = await request.leAuth!.fetch('accountConfigReadOnly', path)
  return { status: response.status }
})
app.get('/', async ({ leAuth }) => (leAuth ? `hello ${leAuth.user.id}` : 'hello stranger'))

process.on('message', ({ advance }: { advance: number }) => {
  ahead += advance
  process.send!({ advanced: advance })
})
process.once('SIGTERM', () => {
  app.close().then(
    () => process.exit(0),
    () => process.exit(1)
  )
})
// The test has ended.
process.once('disconnect', () => process.exit(2))

process.send!({ address: await app.listen({ host: '127.0.0.1', port: 0 }) })
