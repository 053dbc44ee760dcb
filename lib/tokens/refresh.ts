import { publish } from '../diagnostics.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import { RefreshError } from './refresh-error.js'
import { holding, type RefreshLock } from './refresh-lock.js'
import { userOf, type RefreshTarget } from './refresh-target.js'
import { createRenewal, type Renewal, type RenewalParts } from './renewal.js'
import { createRetrySchedule } from './retry-schedule.js'
import type { TokenSetRecord } from './token-set-store.js'

/** Refreshes token sets, each one at a time. */
export interface Refresh {
  /**
   * Requests that arrive while a token set is refreshed get the same result.
   *
   * @throws LE_AUTH_SESSION_ENDED when the login is over, LE_AUTH_REFRESH_UNAVAILABLE when a later try may work,
   * LE_AUTH_STORE_UNAVAILABLE
   */
  refresh: (target: RefreshTarget) => Promise<TokenSetRecord>
  /** Whether a refresh may begin now: none is under way, and it is not too early for another try. */
  mayBegin: (tokenSetId: string) => boolean
  unsavedTokens: Renewal['unsavedTokens']
  /** Resolves when all that is under way has ended, well or not. */
  settled: () => Promise<void>
}

interface RefreshParts extends Omit<RenewalParts, 'mayLose'> {
  lock?: RefreshLock
  /** Whether other processes may use the same session store. */
  sharedStore: boolean
}

/** A refresh that has begun. */
interface UnderWay {
  result: Promise<TokenSetRecord>
  /** The record whose tokens it replaces. */
  usedRecord: TokenSetRecord
}

/** What an operator has to know of some ends, by their reason. */
const MESSAGES: Record<string, string> = {
  answer_lost: 'login has ended: the answer to its last refresh was lost, and the refresh token before that one is dead',
  not_sealed_here: 'login has ended: its tokens were sealed with a secret that is not among these, or were changed'
}

export function createRefresh ({ lock, sharedStore, ...parts }: RefreshParts): Refresh {
  const { renew, newerRecord, unsavedTokens } = createRenewal({ ...parts, mayLose: sharedStore && lock === undefined })
  const retries = createRetrySchedule(parts.now)
  const underWay = new Map<string, UnderWay>()

  function refresh (target: RefreshTarget): Promise<TokenSetRecord> {
    const { tokenSetId, usedRecord } = target
    const running = underWay.get(tokenSetId)
    if (running !== undefined) return join(target, running)
    const result = spaced(target).finally(() => underWay.delete(tokenSetId))
    underWay.set(tokenSetId, { result, usedRecord })
    return result
  }

  async function join (target: RefreshTarget, { result, usedRecord }: UnderWay): Promise<TokenSetRecord> {
    publish('fastify-le-auth:refresh:joined', userOf(target))
    if (usedRecord.sealed === target.usedRecord.sealed) return result
    // A request that has been open for long need not wait where the tokens that are being replaced still live.
    const record = await newerRecord(target) ?? await result
    // And what was new to a request that has been open for long may be what this one began with.
    return record.sealed === target.usedRecord.sealed ? refresh(target) : record
  }

  async function spaced (target: RefreshTarget): Promise<TokenSetRecord> {
    if (retries.isPausing(target.tokenSetId)) return withoutTry(target)
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

  /** A request that has been open since before the pause may not know of tokens that another process has got. */
  async function withoutTry (target: RefreshTarget): Promise<TokenSetRecord> {
    const record = await newerRecord(target)
    if (record === null) throw leAuthError('LE_AUTH_REFRESH_UNAVAILABLE', { reason: 'pausing' })
    return record
  }

  function locked (target: RefreshTarget): Promise<TokenSetRecord> {
    const unavailable = (): Error => new RefreshError('unavailable', 'lock')
    return holding(lock, target.tokenSetId, unavailable, () => renew(target, retries.answerLost(target.tokenSetId)))
  }

  return {
    refresh,
    unsavedTokens,
    mayBegin: id => !underWay.has(id) && !retries.isPausing(id),
    async settled () {
      // Others may have begun meanwhile.
      while (underWay.size > 0) await Promise.allSettled([...underWay.values()].map(({ result }) => result))
    }
  }
}

/** Tells how a refresh ended without new tokens, once for all who wait for it. */
function told (target: RefreshTarget, error: LeAuthError): LeAuthError {
  const { code, reason } = error
  publish('fastify-le-auth:refresh:failed', { ...userOf(target), code, reason })
  if (code !== 'LE_AUTH_SESSION_ENDED') {
    target.log.warn({ leAuth: { event: 'refresh_failed', ...userOf(target), code, reason } }, 'tokens could not be refreshed, and will be at a later request')
    return error
  }
  const isExpected = reason === 'logged_out' || reason === 'invalid_grant'
  target.log[isExpected ? 'info' : 'warn']({ leAuth: { event: 'session_ended', ...userOf(target), reason } }, MESSAGES[String(reason)] ?? 'login has ended')
  return error
}
