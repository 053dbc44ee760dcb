import type { Clock } from '../clock.ts'
import type { LeAuthError } from '../errors.ts'
import type { RecordKind, Records } from './records.ts'
import { ignoringAbsence, storeCall, storePromise } from './store-call.ts'

/** What a store made for express-session can do, in types that know nothing of sessions. */
export interface PlainStore {
  get(id: string, callback: (error: unknown, record?: object | null) => void): void
  set(id: string, record: object, callback: (error?: unknown) => void): void
  destroy(id: string, callback: (error?: unknown) => void): void
}

/** Records in a session store, beside the sessions of the app. */
export class SessionStoreRecords implements Records {
  readonly shared = true
  readonly #store: () => PlainStore
  readonly #clock: Clock

  /** @param store @fastify/session shows its store on requests only, so it may be known late */
  constructor(store: () => PlainStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  get(
    kind: RecordKind,
    id: string,
    done: (error: LeAuthError | null, text: string | null) => void
  ): void {
    storeCall<object | null>(
      this.#clock,
      done => this.#store().get(keyOf(kind, id), ignoringAbsence(done)),
      (error, record) => done(error, textIn(record))
    )
  }

  set(kind: RecordKind, id: string, text: string, expiresAt: number): Promise<void> {
    const maxAge = expiresAt - this.#clock.now()
    // Stores read when a session expires from its cookie, so each record has one. No browser sees
    // it. Each store reads one of the three, as in a session of express-session.
    const cookie = { expires: new Date(expiresAt), maxAge, originalMaxAge: maxAge }
    const record = { leAuth: text, cookie }
    return storePromise(this.#clock, done => this.#store().set(keyOf(kind, id), record, done))
  }

  destroy(kind: RecordKind, id: string): Promise<void> {
    return storePromise(this.#clock, done =>
      this.#store().destroy(keyOf(kind, id), ignoringAbsence(done))
    )
  }
}

function keyOf(kind: RecordKind, id: string): string {
  return `le-auth:${kind}:${id}`
}

/** A store may lose part of a record. A record without a text counts as '', which does not open. */
function textIn(record: object | null | undefined): string | null {
  if (typeof record !== 'object' || record === null) return null
  const leAuth = Object.hasOwn(record, 'leAuth') ? (record as { leAuth: unknown }).leAuth : ''
  return typeof leAuth === 'string' ? leAuth : ''
}

/**
 * The same store with a deadline, and with errors that do not show where the store is: a session
 * plugin passes them on to clients and to the log.
 */
export function quietStore(store: PlainStore, clock: Clock): PlainStore {
  return {
    get: (id, done) =>
      storeCall<object | null>(clock, done => store.get(id, ignoringAbsence(done)), done),
    set: (id, record, done) => storeCall(clock, done => store.set(id, record, done), done),
    destroy: (id, done) => storeCall(clock, done => store.destroy(id, ignoringAbsence(done)), done)
  }
}
