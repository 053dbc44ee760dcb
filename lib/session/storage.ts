import type { FastifyInstance, FastifyRequest } from 'fastify'
import { leAuthError } from '../errors.ts'
import type { ResolvedOptions } from '../options/resolved-options.ts'
import { MemoryStore } from '../store/memory-store.ts'
import type { Records } from '../store/records.ts'
import { SessionStoreRecords, type PlainStore } from '../store/session-store.ts'
import type { AppSessions } from './app-sessions.ts'
import { ExistingPluginSessions } from './existing-plugin-sessions.ts'
import { OnDemandSessions, type OnDemandSettings } from './on-demand-sessions.ts'
import { isMemoryStore, warnOfSetup } from './setup-warnings.ts'

/** How often the memory store drops what has expired, in ms. */
const PURGE_INTERVAL = 60 * 1000

/** Where logins and the app's sessions are kept. */
export interface Storage {
  records: Records
  sessions: AppSessions
}

type StorageOptions = Pick<
  ResolvedOptions,
  'store' | 'maxLogins' | 'memoryIsMeant' | 'inProduction' | 'clock'
>
type SessionSettings = Omit<OnDemandSettings, 'store'>

/**
 * Uses the app's own session plugin and its store if there is one. Otherwise registers
 * @fastify/session.
 *
 * @throws LE_AUTH_SETUP_INVALID
 */
export function setUpStorage(
  app: FastifyInstance,
  options: StorageOptions,
  settings: SessionSettings
): Storage {
  const { store, clock } = options
  if (app.hasRequestDecorator('session')) {
    refuseOtherPlugins(app, store)
    const sessions = new ExistingPluginSessions(app, settings.keep, clock)
    return { records: recordsInAppStore(app, options), sessions }
  }
  if (store !== undefined) {
    warnOfMemoryStore(app, options, store)
    const plainStore = store as unknown as PlainStore
    const sessions = new OnDemandSessions(app, { ...settings, store: plainStore }, clock)
    return { records: new SessionStoreRecords(() => plainStore, clock), sessions }
  }
  return setUpMemory(app, options, settings)
}

function setUpMemory(
  app: FastifyInstance,
  { maxLogins, memoryIsMeant, inProduction, clock }: StorageOptions,
  settings: SessionSettings
): Storage {
  if (inProduction && !memoryIsMeant) warnOfSetup(app.log, 'memory_store')
  const memoryStore = new MemoryStore(maxLogins, clock.now)
  const stopPurging = clock.every(PURGE_INTERVAL, () => memoryStore.purge())
  app.addHook('onClose', async () => stopPurging())
  const sessions = new OnDemandSessions(app, { ...settings, store: memoryStore }, clock)
  return { records: memoryStore.records, sessions }
}

/** @fastify/session shows its store on requests only, so the first request reveals it. */
function recordsInAppStore(app: FastifyInstance, options: StorageOptions): Records {
  let store: PlainStore | undefined
  app.addHook('onRequest', function findStore({ sessionStore }: FastifyRequest, _reply, done) {
    if (store === undefined) warnOfMemoryStore(app, options, sessionStore)
    store ??= sessionStore as unknown as PlainStore
    done()
  })
  return new SessionStoreRecords(() => store!, options.clock)
}

function warnOfMemoryStore(
  app: FastifyInstance,
  { inProduction }: StorageOptions,
  store: object
): void {
  if (inProduction && isMemoryStore(store)) warnOfSetup(app.log, 'session_memory_store')
}

function refuseOtherPlugins(app: FastifyInstance, store: unknown): void {
  if (!app.hasDecorator('decryptSession')) {
    throw leAuthError('LE_AUTH_SETUP_INVALID', {
      reason: 'session_plugin',
      problem:
        ' request.session belongs to another plugin than @fastify/session. Register that ' +
        'plugin in a scope of its own, beside or below the scope of fastify-le-auth, or give ' +
        'its session another name (sessionName in @fastify/secure-session). Or use ' +
        '@fastify/session.'
    })
  }
  if (store !== undefined) {
    throw leAuthError('LE_AUTH_SETUP_INVALID', {
      reason: 'store_unused',
      problem:
        ' the option store has no effect, because this app has registered @fastify/session ' +
        'itself. Give the store to that plugin, or do not register it.'
    })
  }
}
