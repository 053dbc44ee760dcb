import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { LeAuthError } from '../errors.js'
import { findRecord, readRecord, removeRecord, writeRecord, type RecordStore, type StoredRecord } from './record-store.js'
import type { Sealer } from './seal.js'
import { REFRESH_INTERVAL, type TokenSet } from './token-set.js'

/**
 * What the session store keeps of a token set: the tokens sealed, the times in clear, so that a protected
 * request need not decrypt anything.
 */
export interface TokenSetRecord {
  sealed: string
  /** When the access token is to be refreshed before it is used again, in ms since 1970. */
  refreshAt: number
  /** When the access token ends; `null` where Sentinel did not tell. In ms since 1970. */
  expiresAt: number | null
  /** When the login ends whatever happens, in ms since 1970. */
  endsAt: number
}

/** Token sets, each a record of its own in the session store, which no save of a session can touch. */
export interface TokenSetStore {
  /** Stores a new token set until `endsAt` and returns its id. @throws LE_AUTH_STORE_UNAVAILABLE */
  create: (store: RecordStore, tokens: TokenSet, endsAt: number) => Promise<string>
  /** Calls back at once where the store does. `null` when there is none, or it is over. */
  read: (store: RecordStore, id: string, done: (error: LeAuthError | null, record: TokenSetRecord | null) => void) => void
  /** The same as a promise. @throws LE_AUTH_STORE_UNAVAILABLE */
  find: (store: RecordStore, id: string) => Promise<TokenSetRecord | null>
  /** Replaces the tokens, unless the record has gone meanwhile: a logout stays a logout. @returns what is stored now, `null` when gone */
  replace: (store: RecordStore, id: string, tokens: TokenSet) => Promise<TokenSetRecord | null>
  /** The tokens in a record, `null` where they were not sealed by this app for this id. */
  open: (id: string, record: TokenSetRecord) => Promise<TokenSet | null>
  /** @throws LE_AUTH_STORE_UNAVAILABLE */
  remove: (store: RecordStore, id: string) => Promise<void>
}

/** Longer than a refresh can be under way, in ms. */
const REMEMBERED_AS_REMOVED = 5 * 60 * 1000
const MAX_REMEMBERED = 10_000

export function createTokenSetStore (sealer: Sealer, now: () => number): TokenSetStore {
  // A store of this kind cannot write "only if it is still there", so this process remembers what is not.
  const removed = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: REMEMBERED_AS_REMOVED, perf: { now } })

  async function write (store: RecordStore, id: string, tokens: TokenSet, endsAt: number): Promise<TokenSetRecord> {
    const record: TokenSetRecord = {
      sealed: await sealer.seal(id, tokens),
      refreshAt: tokens.expiresAt ?? tokens.issuedAt + REFRESH_INTERVAL,
      expiresAt: tokens.expiresAt,
      endsAt
    }
    await writeRecord(store, id, { leAuthTokenSet: record }, endsAt, now())
    return record
  }
  async function find (store: RecordStore, id: string): Promise<TokenSetRecord | null> {
    return living(await findRecord(store, id), now())
  }
  return {
    find,
    async create (store, tokens, endsAt) {
      const id = `le-auth:tokens:${randomBytes(32).toString('base64url')}`
      await write(store, id, tokens, endsAt)
      return id
    },
    read: (store, id, done) => readRecord(store, id, (error, record) => done(error, removed.has(id) ? null : living(record, now()))),
    async replace (store, id, tokens) {
      const record = await find(store, id)
      if (record === null) return null
      const written = await write(store, id, tokens, record.endsAt)
      if (!removed.has(id)) return written
      await removeRecord(store, id)
      return null
    },
    open: async (id, record) => await sealer.open(id, record.sealed) as TokenSet | null,
    async remove (store, id) {
      removed.set(id, true)
      await removeRecord(store, id)
    }
  }
}

/** The token set in a record that came out of a store: half a record is none. */
function living (stored: StoredRecord | null, now: number): TokenSetRecord | null {
  const record = stored?.leAuthTokenSet as Partial<TokenSetRecord> | null | undefined
  if (typeof record !== 'object' || record === null) return null
  const { sealed, refreshAt, expiresAt, endsAt } = record
  if (typeof sealed !== 'string' || typeof refreshAt !== 'number' || typeof endsAt !== 'number') return null
  if (expiresAt !== null && typeof expiresAt !== 'number') return null
  return now < endsAt ? record as TokenSetRecord : null
}
