import { randomBytes, randomInt } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { LeAuthError } from '../errors.js'
import { createEndedTokenSets, type EndedTokenSet, type NotedEnd } from './ended-token-sets.js'
import { findRecord, readRecord, removeRecord, writeRecord, type RecordStore, type StoredRecord } from './record-store.js'
import { refreshTime } from './refresh-time.js'
import type { Sealer } from './seal.js'
import type { TokenSet } from './token-set.js'

const PREFIX = 'le-auth:tokens:'
/** At some hundred bytes each this is a few MB; one that is forgotten costs a look into the store. */
const MAX_CONFIRMED = 20_000
/** How long after its note a logout may still want to read which tokens it has to revoke, in ms. */
const LOGOUT_READS_WITHIN = 30_000

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
  /** Marks tokens that have replaced others, by a number of their own: they may have been written after the end of the login. */
  replacement?: number
}

/** Token sets, each a record of its own in the session store, which no save of a session can touch. */
export interface TokenSetStore {
  /** Stores a new token set until `endsAt` and returns its id. @throws LE_AUTH_STORE_UNAVAILABLE */
  create: (store: RecordStore, tokens: TokenSet, endsAt: number) => Promise<string>
  /** Calls back at once where the store does. `null` when there is none, or it is over. @throws LE_AUTH_STORE_UNAVAILABLE */
  read: (store: RecordStore, id: string, done: (error: LeAuthError | null, record: TokenSetRecord | null) => void) => void
  /** The same as a promise. @throws LE_AUTH_STORE_UNAVAILABLE */
  find: (store: RecordStore, id: string) => Promise<TokenSetRecord | null>
  /**
   * Replaces the tokens, unless the login has ended meanwhile, here or in another process: a logout stays a logout.
   *
   * @param used on a further try, the record that was to be replaced: where the first try has come about all the same, another process
   * may have gone on from it, and what is stored by then is left as it is
   * @returns what is stored now, or what is known of the end
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  replace: (store: RecordStore, id: string, tokens: TokenSet, used?: TokenSetRecord) => Promise<{ record: TokenSetRecord } | { ended: EndedTokenSet }>
  /** The tokens in a record, `null` where they were not sealed by this app for this id. */
  open: (id: string, record: TokenSetRecord) => Promise<TokenSet | null>
  /**
   * Ends a token set.
   *
   * @returns where its tokens are to be revoked, the last record that the store had: a refresh may have been quicker
   * @throws LE_AUTH_STORE_UNAVAILABLE; in this process it has ended all the same
   */
  end: (store: RecordStore, id: string, end?: EndedTokenSet) => Promise<TokenSetRecord | null>
  /** Whether this process knows that a token set has ended. */
  hasEnded: (id: string) => boolean
}

interface TokenSetStoreSettings {
  sealer: Sealer
  /** How long before its end an access token is refreshed, in ms. */
  refreshMargin: number
  /** How long a login lives at all, in ms. */
  absoluteLifetime: number
  /** Whether other processes may use the same session store. */
  sharedStore: boolean
  now: () => number
}

export function createTokenSetStore ({ sealer, refreshMargin, absoluteLifetime, sharedStore, now }: TokenSetStoreSettings): TokenSetStore {
  const endedTokenSets = createEndedTokenSets(now, sharedStore, absoluteLifetime)
  // The replacement of each token set that this process knows to be written before its login's end.
  const confirmed = new LRUCache<string, number>({ max: MAX_CONFIRMED })

  async function write (store: RecordStore, id: string, tokens: TokenSet, life: Pick<TokenSetRecord, 'endsAt' | 'replacement'>): Promise<TokenSetRecord> {
    const record: TokenSetRecord = {
      sealed: await sealer.seal(id, tokens),
      refreshAt: refreshTime(tokens, refreshMargin, life.endsAt),
      expiresAt: tokens.expiresAt,
      ...life
    }
    await writeRecord(store, id, { leAuthTokenSet: record }, record.endsAt, now())
    return record
  }

  const endOf = (store: RecordStore, id: string): Promise<NotedEnd | null> => endedTokenSets.find(store, noteId(id))
  const hasEnded = (id: string): boolean => endedTokenSets.isKnown(noteId(id))

  /**
   * Whether the login of a record had ended when the record was written. Whoever ends a token set notes that first and removes
   * the record then, so that one of the two sees the other; and a record that nobody has looked after is looked after here.
   */
  async function endBefore (store: RecordStore, id: string, record: TokenSetRecord): Promise<NotedEnd | null> {
    const ended = await endOf(store, id)
    if (ended === null) confirmed.set(id, record.replacement!)
    return ended
  }

  /** The record, or `null` where its login had ended when it was written. */
  async function ifInTime (store: RecordStore, id: string, record: TokenSetRecord): Promise<TokenSetRecord | null> {
    const ended = await endBefore(store, id, record)
    if (ended === null) return record
    // A logout that revokes has yet to read which tokens those are, and removes them then.
    if (!ended.revoke || now() > ended.notedAt + LOGOUT_READS_WITHIN) await removeRecord(store, id)
    return null
  }

  /** Removes the record of a login that has ended, where the store can: the new tokens may have to be revoked in any case. */
  async function drop (store: RecordStore, id: string): Promise<void> {
    await removeRecord(store, id).catch(() => {})
  }

  function read (store: RecordStore, id: string, done: (error: LeAuthError | null, record: TokenSetRecord | null) => void): void {
    readRecord(store, id, (error, stored) => {
      const record = hasEnded(id) ? null : living(stored, now())
      if (record === null || record.replacement === undefined || record.replacement === confirmed.get(id)) return done(error, record)
      ifInTime(store, id, record).then(record => done(null, record), error => done(error, null))
    })
  }

  function find (store: RecordStore, id: string): Promise<TokenSetRecord | null> {
    return new Promise((resolve, reject) => {
      read(store, id, (error, record) => error === null ? resolve(record) : reject(error))
    })
  }

  return {
    read,
    find,
    hasEnded,
    async create (store, tokens, endsAt) {
      const id = PREFIX + randomBytes(32).toString('base64url')
      await write(store, id, tokens, { endsAt })
      return id
    },
    async replace (store, id, tokens, used) {
      const before = await find(store, id)
      if (before === null) {
        // A logout in this process may not have removed it yet, and whoever has the refresh lock next must not find a used token.
        await drop(store, id)
        return { ended: await endOf(store, id) ?? { revoke: false } }
      }
      if (used !== undefined && before.sealed !== used.sealed) return { record: before }
      const record = await write(store, id, tokens, { endsAt: before.endsAt, replacement: randomInt(2 ** 48 - 1) })
      const ended = await endBefore(store, id, record)
      if (ended === null) return { record }
      await drop(store, id)
      return { ended }
    },
    open: async (id, record) => await sealer.open(id, record.sealed) as TokenSet | null,
    async end (store, id, end = { revoke: false }) {
      await endedTokenSets.write(store, noteId(id), end)
      const last = end.revoke ? living(await findRecord(store, id), now()) : null
      await removeRecord(store, id)
      return last
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
