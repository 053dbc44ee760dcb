import type { FastifyBaseLogger } from 'fastify'

const WARNINGS = {
  memory_store:
    'NODE_ENV is production, and logins are kept in the memory of this process. They end when it ' +
    'restarts, other processes do not know them, and beyond maxLogins the least recently used ' +
    'one is dropped. Set the option store, for example to a store in Redis. If one process is ' +
    'enough, set maxLogins yourself, and this warning disappears.',
  session_memory_store:
    'NODE_ENV is production, and logins are kept in a session store in the memory of this ' +
    'process. They end when it restarts, other processes do not know them, and the store may ' +
    'grow without a limit. Use a store such as one in Redis. If one process is enough, leave ' +
    'out that store and your own @fastify/session, and set maxLogins of fastify-le-auth.',
  visitor_sessions:
    'A session was stored for a visitor who only opened /login, so visitors can fill the session ' +
    'store without a login. Register @fastify/session with saveUninitialized: false, and write ' +
    'to request.session only if there is something to keep.'
}

/** Tells the operator about a set-up that works and is probably not meant. */
export function warnOfSetup(log: FastifyBaseLogger, reason: keyof typeof WARNINGS): void {
  log.warn({ leAuth: { event: 'setup_warning', reason } }, WARNINGS[reason])
}

/** Recognizes the stores in memory of @fastify/session, express-session and memorystore. */
export function isMemoryStore(store: object): boolean {
  return (
    store.constructor?.name === 'MemoryStore' || (store as { store?: unknown }).store instanceof Map
  )
}
