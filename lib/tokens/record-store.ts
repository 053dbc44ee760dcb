import { leAuthError, LeAuthError } from '../errors.js'

/** A record of ours in the app's session store; a plain object that survives JSON. */
export type StoredRecord = Record<string, unknown>

/** What a session store of the express-session kind can do, without a word about sessions. */
export interface RecordStore {
  get (id: string, callback: (error: unknown, record?: object | null) => void): void
  set (id: string, record: object, callback: (error?: unknown) => void): void
  destroy (id: string, callback: (error?: unknown) => void): void
}

/**
 * Session stores of the express-session kind take their time to live from `cookie.expires`, so each record brings a
 * cookie that no browser ever sees.
 */
function withLifetime (record: StoredRecord, expiresAt: number, now: number): StoredRecord {
  return { ...record, cookie: { expires: new Date(expiresAt), originalMaxAge: expiresAt - now } }
}

/** @throws LE_AUTH_STORE_UNAVAILABLE, by way of the callback; synchronous where the store is */
export function readRecord (store: RecordStore, id: string, done: (error: LeAuthError | null, record: StoredRecord | null) => void): void {
  try {
    store.get(id, (error, record) => {
      if (error && !isAbsence(error)) return done(storeUnavailable(error), null)
      done(null, isRecord(record) ? record : null)
    })
  } catch (error) {
    done(storeUnavailable(error), null)
  }
}

/** @throws LE_AUTH_STORE_UNAVAILABLE */
export function writeRecord (store: RecordStore, id: string, record: StoredRecord, expiresAt: number, now: number): Promise<void> {
  return settled(done => store.set(id, withLifetime(record, expiresAt, now), done))
}

/** @throws LE_AUTH_STORE_UNAVAILABLE */
export function removeRecord (store: RecordStore, id: string): Promise<void> {
  return settled(done => store.destroy(id, ignoringAbsence(done)))
}

/** @throws LE_AUTH_STORE_UNAVAILABLE */
export function findRecord (store: RecordStore, id: string): Promise<StoredRecord | null> {
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

/** The same store, whose errors say nothing of where it is: for a session plugin that hands them on to the client and the log. */
export function quietStore (store: RecordStore): RecordStore {
  return {
    get: (id, done) => readRecord(store, id, done),
    set: (id, record, done) => quietly(done, done => store.set(id, record, done)),
    destroy: (id, done) => quietly(done, done => store.destroy(id, ignoringAbsence(done)))
  }
}

function quietly (done: (error?: unknown) => void, call: (done: (error?: unknown) => void) => void): void {
  try {
    call(error => done(error ? storeUnavailable(error) : undefined))
  } catch (error) {
    done(storeUnavailable(error))
  }
}

/** What is not there need not be removed. */
function ignoringAbsence (done: (error?: unknown) => void): (error?: unknown) => void {
  return error => done(isAbsence(error) ? undefined : error)
}

/** Some stores report an absent key as ENOENT, as express-session allows. */
function isAbsence (error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === 'ENOENT'
}

/** A store's own message may hold its address and password, so only its code goes on. */
function storeUnavailable (error: unknown): LeAuthError {
  if (error instanceof LeAuthError) return error
  return leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: (error as { code?: string }).code ?? 'without_code' })
}

function isRecord (value: unknown): value is StoredRecord {
  return typeof value === 'object' && value !== null
}
