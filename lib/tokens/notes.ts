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
  /** Remembers a note in this process alone. */
  remember: (id: string, note: Note) => void
  /** @param lifetime how long a shared store keeps it, in ms. @throws LE_AUTH_STORE_UNAVAILABLE; this process remembers the note all the same */
  write: (store: RecordStore, id: string, note: Note, lifetime?: number) => Promise<void>
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

export function createNotes<Note extends object> ({ prefix, lifetime: usual, sharedStore, now, read }: NotesSettings<Note>): Notes<Note> {
  const remembered = new LRUCache<string, Note>({ max: MAX_REMEMBERED, ttl: usual, perf: { now } })
  const own = (id: string): Note | null => remembered.get(id) ?? null

  const remember = (id: string, note: Note): void => { remembered.set(id, note) }

  return {
    own,
    remember,
    async find (store, id) {
      const note = own(id)
      if (note !== null || !sharedStore) return note
      const record = await findRecord(store, prefix + id)
      return record === null ? null : read({ ...record.leAuthNote as Partial<Note> })
    },
    async write (store, id, note, lifetime = usual) {
      remember(id, note)
      if (sharedStore) await writeRecord(store, prefix + id, { leAuthNote: note }, now() + lifetime, now())
    }
  }
}
