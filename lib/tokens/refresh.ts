import { setTimeout as wait } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { publish } from '../diagnostics.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { RecordStore } from './record-store.js'
import { RefreshError } from './refresh-error.js'
import type { RefreshLock } from './refresh-lock.js'
import { createRetrySchedule } from './retry-schedule.js'
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
  log: RefreshLog
}

/** Where a refresh tells the operator what it did; of a request's log this much is needed. */
export interface RefreshLog {
  info: (facts: object, message: string) => void
  warn: (facts: object, message: string) => void
}

/** Refreshes token sets, each one at a time. */
export interface Refresh {
  /**
   * Requests that arrive while a token set is refreshed get the same result.
   *
   * @throws LE_AUTH_SESSION_ENDED when the login is over, LE_AUTH_REFRESH_UNAVAILABLE when a later try may work,
   * LE_AUTH_STORE_UNAVAILABLE
   */
  refresh: (target: RefreshTarget) => Promise<TokenSetRecord>
  /** Resolves when all that is under way has ended, well or not. */
  settled: () => Promise<void>
}

interface RefreshParts {
  tokenSets: TokenSetStore
  /** Asks Sentinel for new tokens. @throws RefreshError */
  requestTokens: (accountId: string, userId: string, refreshToken: string) => Promise<TokenSet>
  /** @throws LE_AUTH_REVOCATION_FAILED */
  revoke: (accountId: string, refreshToken: string) => Promise<void>
  lock?: RefreshLock
  /** Whether other processes may use the same session store. */
  sharedStore: boolean
  now: () => number
}

/** How long the loser of a race waits for the winner's record to be stored, from look to look, in ms. */
const LOOKS_FOR_WINNER = [0, 100, 300, 600]
/** As many as are refreshed while a store is down. */
const MAX_UNSAVED = 10_000
/** What an operator has to know of some ends, by their reason. */
const MESSAGES: Record<string, string> = {
  answer_lost: 'login has ended: the answer to its last refresh was lost, and the refresh token before that one is dead',
  not_sealed_here: 'login has ended: its tokens were sealed with a secret that is not among these, or were changed'
}

export function createRefresh ({ tokenSets, requestTokens, revoke, lock, sharedStore, now }: RefreshParts): Refresh {
  const underWay = new Map<string, Promise<TokenSetRecord>>()
  const retries = createRetrySchedule(now)
  // Tokens that a store did not take, by what it still has: Sentinel would not give them again.
  const unsaved = new LRUCache<string, TokenSet>({ max: MAX_UNSAVED })
  // Without a lock another process may have used the same refresh token, and won.
  const looksForWinner = sharedStore && lock === undefined ? LOOKS_FOR_WINNER : [0]

  function refresh (target: RefreshTarget): Promise<TokenSetRecord> {
    const running = underWay.get(target.tokenSetId)
    if (running !== undefined) {
      publish('fastify-le-auth:refresh:joined', userOf(target))
      return running
    }
    const started = oneAtATime(target).finally(() => underWay.delete(target.tokenSetId))
    underWay.set(target.tokenSetId, started)
    return started
  }

  async function oneAtATime (target: RefreshTarget): Promise<TokenSetRecord> {
    if (retries.isPausing(target.tokenSetId)) throw leAuthError('LE_AUTH_REFRESH_UNAVAILABLE', { reason: 'pausing' })
    try {
      const record = await locked(target)
      retries.succeeded(target.tokenSetId)
      return record
    } catch (error) {
      if (!(error instanceof RefreshError)) throw told(target, error as LeAuthError)
      retries.failed(target.tokenSetId, error.failure === 'lost', error.retryAfter)
      throw told(target, leAuthError('LE_AUTH_REFRESH_UNAVAILABLE', { reason: error.reason }))
    }
  }

  async function locked (target: RefreshTarget): Promise<TokenSetRecord> {
    // A lock's own message may hold its address and password.
    const held = await lock?.acquire(target.tokenSetId).catch(() => { throw new RefreshError('unavailable', 'lock') })
    try {
      return await renew(target)
    } finally {
      // The lease ends by itself, and the result stands.
      await held?.release().catch(() => {})
    }
  }

  async function renew (target: RefreshTarget): Promise<TokenSetRecord> {
    const { store, tokenSetId, usedRecord } = target
    const record = await tokenSets.find(store, tokenSetId)
    if (record === null) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
    // Another request or process was quicker.
    if (record.sealed !== usedRecord.sealed) return record
    const tokens = await tokenSets.open(tokenSetId, record)
    if (tokens === null) return end(target, 'not_sealed_here')
    if (tokens.refreshToken === undefined) return end(target, 'no_refresh_token')
    const startedAt = now()
    publish('fastify-le-auth:refresh:started', userOf(target))
    try {
      const fresh = unsaved.get(record.sealed) ?? await requestTokens(target.accountId, target.userId, tokens.refreshToken)
      const kept = await keep(target, record, fresh)
      publish('fastify-le-auth:refresh:succeeded', { ...userOf(target), duration: now() - startedAt })
      return kept
    } catch (error) {
      const isRefused = error instanceof RefreshError && (error.failure === 'dead' || error.failure === 'refused')
      if (!isRefused) throw error
      return await refused(target, record, error)
    }
  }

  async function keep (target: RefreshTarget, record: TokenSetRecord, fresh: TokenSet): Promise<TokenSetRecord> {
    unsaved.set(record.sealed, fresh)
    const result = await tokenSets.replace(target.store, target.tokenSetId, fresh)
    unsaved.delete(record.sealed)
    if ('record' in result) return result.record
    // A logout came in between. What came too late must end at Sentinel as well, where that was asked for.
    if (result.ended.revoke && fresh.refreshToken !== undefined) await revoke(target.accountId, fresh.refreshToken).catch(() => {})
    throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
  }

  async function refused (target: RefreshTarget, record: TokenSetRecord, error: RefreshError): Promise<TokenSetRecord> {
    const winner = await findWinner(target, record)
    if (winner !== null) return winner
    const isOver = record.expiresAt === null || now() >= record.expiresAt
    if (error.failure === 'dead' || isOver) return end(target, retries.answerLost(target.tokenSetId) ? 'answer_lost' : error.reason)
    // PROTOCOL.md §8: a refusal is not repeated. When the access token is over, one last try decides.
    throw new RefreshError('refused', error.reason, record.expiresAt! - now())
  }

  async function findWinner ({ store, tokenSetId }: RefreshTarget, used: TokenSetRecord): Promise<TokenSetRecord | null> {
    for (const pause of looksForWinner) {
      await wait(pause)
      const record = await tokenSets.find(store, tokenSetId)
      if (record === null) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
      if (record.sealed !== used.sealed) return record
    }
    return null
  }

  async function end ({ store, tokenSetId }: RefreshTarget, reason: string): Promise<never> {
    await tokenSets.remove(store, tokenSetId)
    throw leAuthError('LE_AUTH_SESSION_ENDED', { reason })
  }

  return {
    refresh,
    async settled () { await Promise.allSettled(underWay.values()) }
  }
}

/** Tells how a refresh ended without new tokens, once for all who wait for it. */
function told (target: RefreshTarget, error: LeAuthError): LeAuthError {
  const { code, reason } = error
  publish('fastify-le-auth:refresh:failed', { ...userOf(target), code, reason })
  const isOver = code === 'LE_AUTH_SESSION_ENDED'
  const leAuth = { event: isOver ? 'session_ended' : 'refresh_failed', ...userOf(target), ...(isOver ? {} : { code }), reason }
  if (reason === 'logged_out' || reason === 'invalid_grant') target.log.info({ leAuth }, 'login has ended')
  else target.log.warn({ leAuth }, MESSAGES[String(reason)] ?? (isOver ? 'login has ended' : 'tokens could not be refreshed, and will be at a later request'))
  return error
}

function userOf ({ accountId, userId }: RefreshTarget): { accountId: string, userId: string } {
  return { accountId, userId }
}
