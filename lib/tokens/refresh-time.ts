import type { TokenSet } from '../sentinel/token-set.ts'

/**
 * LivePerson asks for a refresh every 30 minutes (docs/protocol.md §4). Three minutes less leave
 * time for a second attempt after a refusal, so that a disabled user is logged out after 30 minutes
 * of activity. The limit also applies if a token's lifetime is not known. In ms.
 */
const REFRESH_INTERVAL = 27 * 60 * 1000
/** Spreads the refreshes of users who logged in at the same time: each is up to a tenth earlier. */
const JITTER = 0.1

/**
 * When an access token is to be refreshed, in ms since 1970: some time before it expires, at most
 * after 27 minutes, and a little earlier at random. Without a refresh token, it lasts until it
 * expires.
 *
 * @param leeway how long before it expires, in ms; at most half the token's life
 * @param endsAt when the login ends in any case, in ms since 1970
 */
export function refreshTime(
  { issuedAt, expiresAt, refreshToken }: TokenSet,
  leeway: number,
  endsAt: number
): number {
  if (refreshToken === undefined) return expiresAt ?? endsAt
  const lifetime = expiresAt === null ? Infinity : expiresAt - issuedAt
  const latest = Math.min(REFRESH_INTERVAL, lifetime - Math.min(leeway, lifetime / 2))
  return issuedAt + Math.floor(latest * (1 - Math.random() * JITTER))
}
