import type { LeAuthError } from '../errors.ts'

/** What a record is about; see logins/login-records.ts. `state` is a used state. */
export type RecordKind = 'login' | 'tokens' | 'active' | 'revoke' | 'state'

/**
 * Where the plugin keeps its records: short texts under a kind and an id, each with a time when it
 * expires. A session store can only get, set and destroy, so there is no atomic compare-and-set
 * here.
 */
export interface Records {
  /** Whether other processes may use the same records. */
  readonly shared: boolean
  /**
   * Calls back at once if the store does, with `null` if there is no such record.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, to the callback
   */
  get: (
    kind: RecordKind,
    id: string,
    done: (error: LeAuthError | null, text: string | null) => void
  ) => void
  /** @param expiresAt in ms since 1970. @throws LE_AUTH_STORE_UNAVAILABLE */
  set: (kind: RecordKind, id: string, text: string, expiresAt: number) => Promise<void>
  /** Does nothing if there is no such record. @throws LE_AUTH_STORE_UNAVAILABLE */
  destroy: (kind: RecordKind, id: string) => Promise<void>
}

/** The same as `records.get`, as a promise. @throws LE_AUTH_STORE_UNAVAILABLE */
export function find(records: Records, kind: RecordKind, id: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    records.get(kind, id, (error, text) => (error === null ? resolve(text) : reject(error)))
  })
}
