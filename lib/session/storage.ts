import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.js'
import { leAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options/options.js'
import { MemoryStore } from '../store/memory-store.js'
import type { Records } from '../store/records.js'
import { SessionStoreRecords, type PlainStore } from '../store/session-store.js'
import type { AppSessions } from './app-sessions.js'
import { useAppSession } from './apps-session.js'
import { registerSession } from './session-on-demand.js'

/** How often the memory store looks for what has expired, in ms. */
const SWEEP_INTERVAL = 60 * 1000

/** Where logins are kept, and the sessions of the app. */
export interface Storage {
  stored: Records
  sessions: AppSessions
}

/**
 * Uses the app's own session plugin and its store if it has registered one, and else registers @fastify/session.
 *
 * @throws LE_AUTH_SETUP_INVALID
 */
export function setUpStorage (app: FastifyInstance, options: ResolvedOptions): Storage {
  const { clock, keepOnLogin, session: { store, maxSessions } } = options
  if (app.hasRequestDecorator('session')) {
    refuseOtherPlugins(app, store)
    return { stored: recordsInAppStore(app, options), sessions: useAppSession(app, keepOnLogin, clock) }
  }
  if (store !== undefined) {
    const plainStore = store as unknown as PlainStore
    return { stored: new SessionStoreRecords(() => plainStore, clock), sessions: registerSession(app, options, plainStore, clock) }
  }
  const memoryStore = new MemoryStore(maxSessions, clock.now)
  app.addHook('onClose', repeated(clock, () => memoryStore.purge()))
  return { stored: memoryStore.records, sessions: registerSession(app, options, memoryStore, clock) }
}

/** @returns ends it */
function repeated (clock: Clock, work: () => void): () => Promise<void> {
  let cancel = clock.after(SWEEP_INTERVAL, again)
  function again (): void {
    work()
    cancel = clock.after(SWEEP_INTERVAL, again)
  }
  return async () => cancel()
}

/** @fastify/session shows its store on requests only; the first one tells. */
function recordsInAppStore (app: FastifyInstance, { clock }: ResolvedOptions): Records {
  let store: PlainStore | undefined
  app.addHook('onRequest', function findStore (request: FastifyRequest, _reply, done) {
    store ??= request.sessionStore as unknown as PlainStore
    done()
  })
  return new SessionStoreRecords(() => store!, clock)
}

function refuseOtherPlugins (app: FastifyInstance, store: unknown): void {
  if (!app.hasDecorator('decryptSession')) {
    throw leAuthError('LE_AUTH_SETUP_INVALID', { detail: 'request.session belongs to another plugin than @fastify/session. Register fastify-le-auth in a scope without it, or use @fastify/session.' })
  }
  if (store !== undefined) {
    throw leAuthError('LE_AUTH_SETUP_INVALID', { detail: 'session.store has no effect, for this app has registered @fastify/session itself. Give the store to that plugin, or leave the plugin to fastify-le-auth.' })
  }
}
