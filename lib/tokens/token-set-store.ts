import { randomBytes } from 'node:crypto'
import type { LeAuthError } from '../errors.js'
import { createEndedTokenSets, type EndedTokenSet } from './ended-token-sets.js'
import { findRecord, readRecord, removeRecord, writeRecord, type RecordStore, type StoredRecord } from './record-store.js'
import { refreshTime } from './refresh-time.js'
import type { Sealer } from './seal.js'
import type { TokenSet } from './token-set.js'

const PREFIX = 'le-auth:tokens:'

/**
 * What the session store keeps of a token set: the tokens sealed, the times in clear, so that a protected
 * request need not decrypt anything.
 */
export interface TokenSetRecord {
  sealed: string
  /** When the access token is to be refreshed, in ms since 1970; it may still live. */
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
  /**
   * Replaces the tokens, unless the login has ended meanwhile, here or in another process: a logout stays a logout.
   *
   * @returns what is stored now, or what is known of the end
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  replace: (store: RecordStore, id: string, tokens: TokenSet) => Promise<{ record: TokenSetRecord } | { ended: EndedTokenSet }>
  /** The tokens in a record, `null` where they were not sealed by this app for this id. */
  open: (id: string, record: TokenSetRecord) => Promise<TokenSet | null>
  /** Ends a token set. @throws LE_AUTH_STORE_UNAVAILABLE */
  remove: (store: RecordStore, id: string, end?: EndedTokenSet) => Promise<void>
}

interface TokenSetStoreSettings {
  sealer: Sealer
  /** How long before its end an access token is refreshed, in ms. */
  refreshMargin: number
  /** Whether other processes may use the same session store. */
  sharedStore: boolean
  now: () => number
}

export function createTokenSetStore ({ sealer, refreshMargin, sharedStore, now }: TokenSetStoreSettings): TokenSetStore {
  const endedTokenSets = createEndedTokenSets(now, sharedStore)

  async function write (store: RecordStore, id: string, tokens: TokenSet, endsAt: number): Promise<TokenSetRecord> {
    const record: TokenSetRecord = {
      sealed: await sealer.seal(id, tokens),
      refreshAt: refreshTime(tokens, refreshMargin, endsAt),
      expiresAt: tokens.expiresAt,
      endsAt
    }
    await writeRecord(store, id, { leAuthTokenSet: record }, endsAt, now())
    return record
  }

  async function find (store: RecordStore, id: string): Promise<TokenSetRecord | null> {
    return living(await findRecord(store, id), now())
  }

  const endOf = (store: RecordStore, id: string): Promise<EndedTokenSet | null> => endedTokenSets.find(store, noteId(id))

  return {
    find,
    async create (store, tokens, endsAt) {
      const id = PREFIX + randomBytes(32).toString('base64url')
      await write(store, id, tokens, endsAt)
      return id
    },
    read: (store, id, done) => readRecord(store, id, (error, record) => {
      done(error, endedTokenSets.own(noteId(id)) === null ? living(record, now()) : null)
    }),
    async replace (store, id, tokens) {
      const before = await find(store, id)
      if (before === null) return { ended: await endOf(store, id) ?? { revoke: false } }
      const record = await write(store, id, tokens, before.endsAt)
      // Whoever ends a token set notes that first and removes the record then, so one of the two sees the other.
      const ended = await endOf(store, id)
      if (ended === null) return { record }
      await removeRecord(store, id)
      return { ended }
    },
    open: async (id, record) => await sealer.open(id, record.sealed) as TokenSet | null,
    async remove (store, id, end = { revoke: false }) {
      await endedTokenSets.write(store, noteId(id), end)
      await removeRecord(store, id)
    }
  }
}

function noteId (tokenSetId: string): string {
  return tokenSetId.slice(PREFIX.length)
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
