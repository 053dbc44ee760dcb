import { setTimeout as wait } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { publish } from '../diagnostics.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import { RefreshError } from './refresh-error.js'
import { userOf, type RefreshTarget } from './refresh-target.js'
import type { TokenSet } from './token-set.js'
import type { TokenSetRecord, TokenSetStore } from './token-set-store.js'

/**
 * Gets new tokens for a token set and stores them, or finds those that somebody else has stored.
 *
 * @param answerLost whether an earlier try may have replaced the refresh token without our hearing of it
 * @throws RefreshError when a later try may work, LE_AUTH_SESSION_ENDED when the login is over, LE_AUTH_STORE_UNAVAILABLE
 */
export type Renew = (target: RefreshTarget, answerLost: boolean) => Promise<TokenSetRecord>

/** Renews token sets. */
export interface Renewal {
  renew: Renew
  /** Living tokens that another request or process has stored meanwhile, `null` where there are none. @throws LE_AUTH_SESSION_ENDED, LE_AUTH_STORE_UNAVAILABLE */
  newerRecord: (target: RefreshTarget) => Promise<TokenSetRecord | null>
  /** The tokens that Sentinel has given for those of a record, and that the store did not take. */
  unsavedTokens: (record: TokenSetRecord) => TokenSet | undefined
}

/** What a renewal needs of the plugin. */
export interface RenewalParts {
  tokenSets: TokenSetStore
  /** Asks Sentinel for new tokens. @throws RefreshError */
  requestTokens: (accountId: string, userId: string, refreshToken: string) => Promise<TokenSet>
  /** @throws LE_AUTH_REVOCATION_FAILED */
  revoke: (accountId: string, refreshToken: string) => Promise<void>
  /** Whether another process may have used the same refresh token, and won. */
  mayLose: boolean
  now: () => number
}

/** How long the loser of a race waits for the winner's record to be stored, from look to look, in ms: five seconds in all. */
const LOOKS_FOR_WINNER = [0, 100, 300, 600, 1000, 1500, 1500]
/** How long new tokens wait before they are given once more to a store that did not take them, in ms. */
const STORE_RETRIES = [300, 1700]
/** As many as are refreshed while a store is down, and for as long as somebody may wait for it. */
const UNSAVED = { max: 10_000, ttl: 60 * 60 * 1000 }

export function createRenewal ({ tokenSets, requestTokens, revoke, mayLose, now }: RenewalParts): Renewal {
  // Tokens that a store did not take, by what it still has: Sentinel would not give them again.
  const unsaved = new LRUCache<string, TokenSet>({ ...UNSAVED, perf: { now } })

  async function renew (target: RefreshTarget, answerLost: boolean): Promise<TokenSetRecord> {
    const record = await current(target)
    if (isNewer(target, record)) return record
    const tokens = await tokenSets.open(target.tokenSetId, record)
    if (tokens === null) return end(target, 'not_sealed_here')
    if (tokens.refreshToken === undefined) return lastsAsItIs(target, record)
    const startedAt = now()
    publish('fastify-le-auth:refresh:started', userOf(target))
    const renewed = await replacedHereOrElsewhere(target, record, tokens.refreshToken, answerLost)
    publish('fastify-le-auth:refresh:succeeded', { ...userOf(target), duration: now() - startedAt })
    return renewed
  }

  async function replacedHereOrElsewhere (target: RefreshTarget, record: TokenSetRecord, refreshToken: string, answerLost: boolean): Promise<TokenSetRecord> {
    try {
      return await replace(target, record, refreshToken)
    } catch (error) {
      if (!(error instanceof RefreshError) || !error.isRefusal) throw error
      return await findWinner(target, record) ?? refused(target, record, error, answerLost)
    }
  }

  async function newerRecord (target: RefreshTarget): Promise<TokenSetRecord | null> {
    const record = await current(target)
    return isNewer(target, record) ? record : null
  }

  /** Whether another request or process was quicker, and its tokens have not ended since; nor are due where nobody told when they end. */
  function isNewer ({ usedRecord }: RefreshTarget, { sealed, expiresAt, refreshAt }: TokenSetRecord): boolean {
    return sealed !== usedRecord.sealed && now() < (expiresAt ?? refreshAt)
  }

  async function replace (target: RefreshTarget, record: TokenSetRecord, refreshToken: string): Promise<TokenSetRecord> {
    const fresh = unsaved.get(record.sealed) ?? await requestTokens(target.accountId, target.userId, refreshToken)
    unsaved.set(record.sealed, fresh)
    const result = await stored(target, record, fresh)
    unsaved.delete(record.sealed)
    if ('ended' in result) return tooLate(target, fresh, result.ended.revoke)
    return result.record
  }

  /**
   * Tries again where the store fails, or is too slow to say whether it has taken them: whoever comes after this one, perhaps in
   * another process, would present a refresh token that is used.
   */
  async function stored ({ store, tokenSetId }: RefreshTarget, used: TokenSetRecord, fresh: TokenSet): ReturnType<TokenSetStore['replace']> {
    try {
      return await tokenSets.replace(store, tokenSetId, fresh)
    } catch (error) {
      for (const pause of STORE_RETRIES) {
        await wait(pause)
        const result = await tokenSets.replace(store, tokenSetId, fresh, used).catch(() => null)
        if (result !== null) return result
      }
      throw error
    }
  }

  /** A logout came in between: the new tokens are dropped, and end at Sentinel as well where that was asked for. */
  async function tooLate (target: RefreshTarget, { refreshToken }: TokenSet, revocationAsked: boolean): Promise<never> {
    if (revocationAsked && refreshToken !== undefined) {
      await revoke(target.accountId, refreshToken).catch(({ code, reason }: LeAuthError) => {
        target.log.warn({ leAuth: { event: 'revocation_failed', ...userOf(target), code, reason } }, 'tokens that came after a logout could not be revoked')
      })
    }
    throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
  }

  /** A login without a refresh token ends with its access token, and not before. */
  async function lastsAsItIs (target: RefreshTarget, { expiresAt }: TokenSetRecord): Promise<never> {
    if (expiresAt !== null && now() >= expiresAt) return end(target, 'no_refresh_token')
    throw new RefreshError('refused', 'no_refresh_token', expiresAt === null ? null : expiresAt - now())
  }

  async function refused (target: RefreshTarget, { expiresAt }: TokenSetRecord, { failure, reason }: RefreshError, answerLost: boolean): Promise<never> {
    const isAlive = expiresAt !== null && now() < expiresAt
    if (failure === 'dead' || !isAlive) return end(target, answerLost ? 'answer_lost' : reason)
    // PROTOCOL.md §8: a refusal is not repeated. When the access token is over, one last try decides.
    throw new RefreshError('refused', reason, expiresAt - now())
  }

  async function findWinner (target: RefreshTarget, used: TokenSetRecord): Promise<TokenSetRecord | null> {
    for (const pause of mayLose ? LOOKS_FOR_WINNER : [0]) {
      await wait(pause)
      const record = await current(target)
      if (record.sealed !== used.sealed) return record
    }
    return null
  }

  async function current ({ store, tokenSetId }: RefreshTarget): Promise<TokenSetRecord> {
    const record = await tokenSets.find(store, tokenSetId)
    if (record === null) throw leAuthError('LE_AUTH_SESSION_ENDED', { reason: 'logged_out' })
    return record
  }

  async function end ({ store, tokenSetId }: RefreshTarget, reason: string): Promise<never> {
    await tokenSets.end(store, tokenSetId)
    throw leAuthError('LE_AUTH_SESSION_ENDED', { reason })
  }

  return { renew, newerRecord, unsavedTokens: record => unsaved.get(record.sealed) }
}
