import type { SessionStore } from '@fastify/session'
import { leAuthError, type LeAuthError } from '../errors.js'

/** A record of ours in the app's session store; a plain object that survives JSON. */
export type StoredRecord = Record<string, unknown>

/**
 * Session stores of the express-session kind take their time to live from `cookie.expires`, so each record brings a
 * cookie that no browser ever sees.
 */
function withLifetime (record: StoredRecord, expiresAt: number, now: number): StoredRecord {
  return { ...record, cookie: { expires: new Date(expiresAt), originalMaxAge: expiresAt - now } }
}

/** @throws LE_AUTH_STORE_UNAVAILABLE, by way of the callback; synchronous where the store is */
export function readRecord (store: SessionStore, id: string, done: (error: LeAuthError | null, record: StoredRecord | null) => void): void {
  try {
    store.get(id, (error, record) => {
      // Some stores report an absent key as ENOENT, as express-session's own text allows.
      if (error && error.code !== 'ENOENT') return done(storeUnavailable(error), null)
      done(null, isRecord(record) ? record : null)
    })
  } catch (error) {
    done(storeUnavailable(error), null)
  }
}

/** @throws LE_AUTH_STORE_UNAVAILABLE */
export function writeRecord (store: SessionStore, id: string, record: StoredRecord, expiresAt: number, now: number): Promise<void> {
  return settled(done => store.set(id, withLifetime(record, expiresAt, now) as never, done))
}

/** @throws LE_AUTH_STORE_UNAVAILABLE */
export function removeRecord (store: SessionStore, id: string): Promise<void> {
  return settled(done => store.destroy(id, done))
}

/** @throws LE_AUTH_STORE_UNAVAILABLE */
export function findRecord (store: SessionStore, id: string): Promise<StoredRecord | null> {
  return new Promise((resolve, reject) => {
    readRecord(store, id, (error, record) => error === null ? resolve(record) : reject(error))
  })
}

/** Runs one call of a store, whether it fails through its callback or by throwing. */
export async function settled (call: (done: (error?: unknown) => void) => unknown): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    call(error => error ? reject(error) : resolve())
  }).catch(error => { throw storeUnavailable(error) })
}

/** A store's own message may hold its address and password, so only its code goes on. */
function storeUnavailable (error: unknown): LeAuthError {
  const code = (error as { code?: unknown }).code
  return leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: typeof code === 'string' ? code : undefined })
}

function isRecord (value: unknown): value is StoredRecord {
  return typeof value === 'object' && value !== null
}
