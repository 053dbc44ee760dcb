import { LRUCache } from 'lru-cache'
import { findRecord, writeRecord, type RecordStore } from './record-store.js'

/** At some hundred bytes each this is a few MB; what is pushed out is still in a shared store. */
const MAX_REMEMBERED = 10_000

/**
 * Small facts with an end, such as "this state was used": remembered in this process, and told to the other processes
 * through the session store where they share it.
 */
export interface Notes<Note extends object> {
  /** @returns `null` where nothing was noted. @throws LE_AUTH_STORE_UNAVAILABLE */
  find: (store: RecordStore, id: string) => Promise<Note | null>
  /** What this process noted itself. */
  own: (id: string) => Note | null
  /** @throws LE_AUTH_STORE_UNAVAILABLE; this process remembers the note all the same */
  write: (store: RecordStore, id: string, note: Note) => Promise<void>
}

interface NotesSettings<Note extends object> {
  /** Begins the records' ids in the store. */
  prefix: string
  /** In ms. */
  lifetime: number
  /** Whether the session store is more than this process's memory; records in that would push out the sessions of users. */
  sharedStore: boolean
  now: () => number
  /** The note in what a store gave back, which may have lost part of it. */
  read: (value: Partial<Note>) => Note
}

export function createNotes<Note extends object> ({ prefix, lifetime, sharedStore, now, read }: NotesSettings<Note>): Notes<Note> {
  const remembered = new LRUCache<string, Note>({ max: MAX_REMEMBERED, ttl: lifetime, perf: { now } })
  const own = (id: string): Note | null => remembered.get(id) ?? null

  return {
    own,
    async find (store, id) {
      const note = own(id)
      if (note !== null || !sharedStore) return note
      const record = await findRecord(store, prefix + id)
      return record === null ? null : read({ ...record.leAuthNote as Partial<Note> })
    },
    async write (store, id, note) {
      remembered.set(id, note)
      if (sharedStore) await writeRecord(store, prefix + id, { leAuthNote: note }, now() + lifetime, now())
    }
  }
}
