import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'

export const client = createClient({ url: process.env.REDIS, disableOfflineQueue: true })
client.on('error', () => {})
await client.connect()

/** A prefix for each process: no contestant sees the records of another. */
export const store = new RedisStore({ client, prefix: `bench:${process.pid}:` })
