import { createNotes, type Notes } from './notes.js'

/** Longer than a refresh can be under way, in ms: a lock, a call and a write have a minute each at the most. */
const REMEMBERED_FOR = 5 * 60 * 1000

/** A token set that has ended. */
export interface EndedTokenSet {
  /** Whether its tokens were to be revoked at Sentinel, and so must be those that a refresh under way still brings. */
  revoke: boolean
}

/**
 * A store of the express-session kind cannot write "only if it is still there", so whoever refreshes a token set looks
 * here, after writing it, whether it has ended meanwhile.
 */
export function createEndedTokenSets (now: () => number, sharedStore: boolean): Notes<EndedTokenSet> {
  return createNotes({ prefix: 'le-auth:ended:', lifetime: REMEMBERED_FOR, sharedStore, now, read: ({ revoke }) => ({ revoke: revoke === true }) })
}
