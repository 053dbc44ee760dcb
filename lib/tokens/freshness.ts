import type { KnownTokens } from '../logins/login.js'

/** Tokens that are younger than this are not refreshed for living too short, in ms: Sentinel gives no better ones. */
export const YOUNG = 60 * 1000

/**
 * What an access token is good for:
 *
 * - `fresh`: use it
 * - `due`: use it, and refresh it behind the request
 * - `short`: it lives, but not as long as wanted; refresh it first if that works
 * - `expired`: refresh it first
 */
export type Freshness = 'fresh' | 'due' | 'short' | 'expired'

/** @param minTtl how long the token should live at least, in ms */
export function freshness ({ issuedAt, expiresAt, refreshAt }: KnownTokens, minTtl: number, now: number): Freshness {
  const end = expiresAt ?? Infinity
  if (now >= end) return 'expired'
  if (now + minTtl >= end && now - issuedAt >= YOUNG) return 'short'
  return now >= refreshAt ? 'due' : 'fresh'
}
