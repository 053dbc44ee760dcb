import { leAuthError, type LeAuthError } from '../errors.js'
import type { RecordStore } from './record-store.js'
import type { TokenSet } from './token-set.js'
import type { TokenSetRecord, TokenSetStore } from './token-set-store.js'

/** Which token set is to be refreshed, and where it is. */
export interface RefreshTarget {
  store: RecordStore
  accountId: string
  /** Whose tokens they are: a refresh never changes that. */
  userId: string
  tokenSetId: string
  /** The record that the request went by; where the store has a newer one, that is the answer. */
  usedRecord: TokenSetRecord
}

/**
 * Refreshes one token set, one at a time: requests that arrive meanwhile get the same result.
 *
 * @throws LE_AUTH_SESSION_ENDED when the login is over, LE_AUTH_REFRESH_UNAVAILABLE when the next try may work
 */
export type Refresh = (target: RefreshTarget) => Promise<TokenSetRecord>

/**
 * @param tokenSets where the token sets are
 * @param requestTokens asks Sentinel for new tokens
 */
export function createRefresh (tokenSets: TokenSetStore, requestTokens: (accountId: string, userId: string, refreshToken: string) => Promise<TokenSet>): Refresh {
  const underWay = new Map<string, Promise<TokenSetRecord>>()

  async function refresh ({ store, accountId, userId, tokenSetId, usedRecord }: RefreshTarget): Promise<TokenSetRecord> {
    const record = await tokenSets.find(store, tokenSetId)
    if (record === null) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
    // Another request or process was quicker.
    if (record.sealed !== usedRecord.sealed) return record
    const tokens = await tokenSets.open(tokenSetId, record)
    if (tokens?.refreshToken === undefined) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: tokens === null ? 'not_sealed_here' : 'no_refresh_token' })
    const fresh = await requestTokens(accountId, userId, tokens.refreshToken).catch(error => ended(error, store, tokenSetId))
    const stored = await tokenSets.replace(store, tokenSetId, fresh)
    // A logout came in between: the new tokens are dropped.
    if (stored === null) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
    return stored
  }

  async function ended (error: LeAuthError, store: RecordStore, tokenSetId: string): Promise<never> {
    if (error.code === 'LE_AUTH_SESSION_ENDED') await tokenSets.remove(store, tokenSetId)
    throw error
  }

  return (target) => {
    const running = underWay.get(target.tokenSetId)
    if (running !== undefined) return running
    const started = refresh(target).finally(() => underWay.delete(target.tokenSetId))
    underWay.set(target.tokenSetId, started)
    return started
  }
}
