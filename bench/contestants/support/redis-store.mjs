import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'

export const client = createClient({ url: process.env.REDIS, disableOfflineQueue: true })
client.on('error', () => {})
await client.connect()

/** Each process has its own prefix, so no contestant reads another's records. */
export const store = new RedisStore({ client, prefix: `bench:${process.pid}:` })
