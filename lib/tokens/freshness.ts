import type { KnownTokens } from '../logins/login.ts'

/**
 * A token younger than this that expires soon is not refreshed for that reason alone: a new one
 * would not live longer either. In ms.
 */
export const YOUNG = 60 * 1000

/**
 * What to do before an access token is used:
 *
 * - `fresh`: nothing
 * - `due`: refresh it in the background
 * - `short`: it does not live as long as required; refresh it first, if that works
 * - `expired`: refresh it first
 */
export type Freshness = 'fresh' | 'due' | 'short' | 'expired'

/** @param minLifetime how long the token should live at least, in ms */
export function freshness(
  { issuedAt, expiresAt, refreshAt }: KnownTokens,
  minLifetime: number,
  now: number
): Freshness {
  const end = expiresAt ?? Infinity
  if (now >= end) return 'expired'
  if (now + minLifetime >= end && now - issuedAt >= YOUNG) return 'short'
  return now >= refreshAt ? 'due' : 'fresh'
}
