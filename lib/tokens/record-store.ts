import { leAuthError, LeAuthError } from '../errors.js'

/** How long a store may take for one call, in ms: long for a database, and no longer than a person waits. */
export const STORE_DEADLINE = 5000

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
  callOnce<object | null>(done => store.get(id, ignoringAbsence(done)), (error, record) => done(error, isRecord(record) ? record : null))
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

/** One call of a store as a promise. @throws LE_AUTH_STORE_UNAVAILABLE */
export function settled (call: StoreCall<never>): Promise<void> {
  return new Promise((resolve, reject) => {
    callOnce(call, error => error === null ? resolve() : reject(error))
  })
}

/** The same store, whose errors say nothing of where it is: for a session plugin that hands them on to the client and the log. */
export function quietStore (store: RecordStore): RecordStore {
  return {
    get: (id, done) => readRecord(store, id, done),
    set: (id, record, done) => callOnce(done => store.set(id, record, done), done),
    destroy: (id, done) => callOnce(done => store.destroy(id, ignoringAbsence(done)), done)
  }
}

type Callback<Value> = (error?: unknown, value?: Value) => void
type StoreCall<Value> = (done: Callback<Value>) => unknown

/**
 * Makes one call of a store and calls back once, whether the store fails through its callback, by throwing or by saying nothing
 * at all. What it says after its deadline is too late: the request has been answered.
 */
function callOnce<Value> (call: StoreCall<Value>, done: (error: LeAuthError | null, value?: Value) => void): void {
  let outcome: Parameters<typeof done> | undefined
  let hasReturned = false
  let deadline: NodeJS.Timeout | undefined
  const settle: Callback<Value> = (error, value) => {
    if (outcome !== undefined) return
    outcome = [error ? storeUnavailable(error) : null, value]
    clearTimeout(deadline)
    if (hasReturned) done(...outcome)
  }
  try {
    call(settle)
  } catch (error) {
    settle(error)
  }
  hasReturned = true
  // Here and not within the call: what goes wrong from now on is no fault of the store.
  if (outcome !== undefined) done(...outcome)
  else deadline = setTimeout(settle, STORE_DEADLINE, { code: 'timeout' })
}

/** What is not there is no error to whoever reads or removes it. */
function ignoringAbsence<Value> (done: Callback<Value>): Callback<Value> {
  return (error, value) => done(isAbsence(error) ? undefined : error, value)
}

/** Some stores report an absent key as ENOENT, as express-session allows. */
function isAbsence (error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === 'ENOENT'
}

/** A store's own message may hold its address and password, so only its code goes on, or the name of its class. */
function storeUnavailable (error: unknown): LeAuthError {
  if (error instanceof LeAuthError) return error
  const { code, constructor } = error as { code?: unknown, constructor?: { name: string } }
  return leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: typeof code === 'string' ? code : constructor?.name })
}

function isRecord (value: unknown): value is StoredRecord {
  return typeof value === 'object' && value !== null
}
