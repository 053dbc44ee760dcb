// The session store of a contestant: STORE=redis, STORE=counted, or its default store in memory.

/** A shared store, or null for the contestant's own default. */
export async function sharedStore() {
  if (process.env.STORE === 'redis') return (await import('./redis-store.mjs')).store
  if (process.env.STORE === 'counted') return (await import('./counted-store.mjs')).countedStore()
  return null
}

/** The default memory store of @fastify/session, on a map whose size can be read. */
export function countableMemoryStore(session) {
  const records = new Map()
  globalThis.benchRecords = () => records.size
  return new session.MemoryStore(records)
}
