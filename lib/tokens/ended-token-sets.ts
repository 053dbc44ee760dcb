import { createNotes, type Notes } from './notes.js'
import type { RecordStore } from './record-store.js'

/** A token set that has ended. */
export interface EndedTokenSet {
  /** Whether its tokens were to be revoked at Sentinel, and so must be those that a refresh under way still brings. */
  revoke: boolean
}

/**
 * A store of the express-session kind cannot write "only if it is still there", so whoever refreshes a token set looks
 * here, after writing it, whether it has ended meanwhile.
 */
export type EndedTokenSets = Omit<Notes<EndedTokenSet>, 'remember'>

/** @param lifetime how long a token set may live at all, in ms: a write that comes late, however late, finds the end noted */
export function createEndedTokenSets (now: () => number, sharedStore: boolean, lifetime: number): EndedTokenSets {
  const notes = createNotes<EndedTokenSet>({ prefix: 'le-auth:ended:', lifetime, sharedStore, now, read: ({ revoke }) => ({ revoke: revoke === true }) })

  /** What a logout has asked for, no other end of the same login takes back. */
  async function write (store: RecordStore, id: string, end: EndedTokenSet): Promise<void> {
    const before = end.revoke ? null : notes.find(store, id)
    // From now on this process knows, whatever the store says and however late.
    if (notes.own(id) === null) notes.remember(id, end)
    await notes.write(store, id, await before ?? end)
  }

  return { find: notes.find, own: notes.own, write }
}
