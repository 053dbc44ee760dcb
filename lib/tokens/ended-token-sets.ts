import { createNotes } from './notes.js'
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
export interface EndedTokenSets {
  /** @returns `null` where no end was noted. @throws LE_AUTH_STORE_UNAVAILABLE */
  find: (store: RecordStore, id: string) => Promise<EndedTokenSet | null>
  /** Whether this process has noted an end. */
  isKnown: (id: string) => boolean
  /** @throws LE_AUTH_STORE_UNAVAILABLE; this process remembers the end all the same */
  write: (store: RecordStore, id: string, end: EndedTokenSet) => Promise<void>
}

/** @param lifetime how long a token set may live at all, in ms: a write that comes late, however late, finds the end noted */
export function createEndedTokenSets (now: () => number, sharedStore: boolean, lifetime: number): EndedTokenSets {
  const settings = { lifetime, sharedStore, now, read: () => ({}) }
  const ends = createNotes<object>({ prefix: 'le-auth:ended:', ...settings })
  // Notes of their own, so that no other end of the same login takes back what a logout has asked for.
  const revocations = createNotes<object>({ prefix: 'le-auth:revoked:', ...settings })

  return {
    isKnown: id => ends.own(id) !== null,
    async find (store, id) {
      if (await ends.find(store, id) === null) return null
      return { revoke: await revocations.find(store, id) !== null }
    },
    async write (store, id, { revoke }) {
      // From now on this process knows, whatever the store says and however late.
      ends.remember(id, {})
      // First, so that whoever finds the end finds what was asked for with it.
      if (revoke) await revocations.write(store, id, {})
      await ends.write(store, id, {})
    }
  }
}
