import { createNotes } from './notes.js'
import type { RecordStore } from './record-store.js'

/** A token set that has ended. */
export interface EndedTokenSet {
  /** Whether its tokens were to be revoked at Sentinel, and so must be those that a refresh under way still brings. */
  revoke: boolean
}

/** An end as it was noted. */
export interface NotedEnd extends EndedTokenSet {
  /** In ms since 1970. */
  notedAt: number
}

/**
 * A store of the express-session kind cannot write "only if it is still there", so whoever refreshes a token set looks
 * here, after writing it, whether it has ended meanwhile.
 */
export interface EndedTokenSets {
  /** @returns `null` where no end was noted. @throws LE_AUTH_STORE_UNAVAILABLE */
  find: (store: RecordStore, id: string) => Promise<NotedEnd | null>
  /** Whether this process has noted an end. */
  isKnown: (id: string) => boolean
  /** @throws LE_AUTH_STORE_UNAVAILABLE; this process remembers the end all the same */
  write: (store: RecordStore, id: string, end: EndedTokenSet) => Promise<void>
}

/** @param lifetime how long a token set may live at all, in ms: a write that comes late, however late, finds the end noted */
export function createEndedTokenSets (now: () => number, sharedStore: boolean, lifetime: number): EndedTokenSets {
  const settings = { lifetime, sharedStore, now }
  const ends = createNotes<NotedEnd>({ ...settings, prefix: 'le-auth:ended:', read: ({ revoke, notedAt }) => ({ revoke: revoke === true, notedAt: typeof notedAt === 'number' ? notedAt : 0 }) })
  // Notes of their own, so that no other end of the same login takes back what a logout has asked for.
  const revocations = createNotes<object>({ ...settings, prefix: 'le-auth:revoked:', read: () => ({}) })

  return {
    isKnown: id => ends.own(id) !== null,
    async find (store, id) {
      const end = await ends.find(store, id)
      if (end === null || end.revoke) return end
      return { ...end, revoke: await revocations.find(store, id) !== null }
    },
    async write (store, id, { revoke }) {
      const end = { revoke, notedAt: now() }
      // From now on this process knows, whatever the store says and however late.
      ends.remember(id, end)
      // First, so that whoever finds the end finds what was asked for with it.
      if (revoke) await revocations.write(store, id, {})
      await ends.write(store, id, end)
    }
  }
}
