// fastify-le-auth as in its README: its own session, and its own store unless STORE names another.
import Fastify from 'fastify'
import leAuth from 'fastify-le-auth'
import { leAuthOptions } from './support/le-auth-options.mjs'
import { serve } from './support/serve.mjs'
import { sharedStore } from './support/store.mjs'

const store = await sharedStore()
const options = store === null ? leAuthOptions : { ...leAuthOptions, store }
if (process.env.STORE === 'redis') options.lock = await createLock()

const app = Fastify()
await app.register(leAuth, options)
app.get('/private', { preHandler: app.requireAuth }, async request => ({
  user: request.leAuth.user.id
}))
if (store === null) app.get('/store', findStore)
await serve(app)
if (store === null) await app.inject('/store')

async function createLock() {
  const { redisLock } = await import('fastify-le-auth/redis-lock')
  const { client } = await import('./support/redis-store.mjs')
  return redisLock(client)
}

/** Only a request has the default store. */
async function findStore({ sessionStore }) {
  globalThis.benchRecords = () => sessionStore.size ?? null
  return { ok: true }
}
