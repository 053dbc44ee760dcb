// Which session store a contestant runs on: STORE=redis, STORE=counted, or else the one in memory that is its default.

/** A store outside the process, or null where the contestant's own default is meant. */
export async function sharedStore () {
  if (process.env.STORE === 'redis') return (await import('./redis-store.mjs')).store
  if (process.env.STORE === 'counted') return (await import('./counted-store.mjs')).countedStore()
  return null
}

/** The memory store that @fastify/session makes by default, with a map that can be counted. */
export function countableMemoryStore (session) {
  const records = new Map()
  globalThis.benchRecords = () => records.size
  return new session.MemoryStore(records)
}
