import type { TokenSet } from '../sentinel/token-set.js'

/**
 * LivePerson asks for a refresh every 30 minutes (PROTOCOL.md §4). Three minutes less leave time for the second try after a
 * refusal, so that a user who was disabled is out after 30 minutes of activity. It also bounds a token whose lifetime was
 * not told. In ms.
 */
const REFRESH_INTERVAL = 27 * 60 * 1000
/** How much earlier a refresh may be due, so that a shift of agents who logged in together does not refresh together. */
const JITTER = 0.1

/**
 * When an access token is to be refreshed, in ms since 1970: a margin ahead of its end, after 27 minutes at the latest, and
 * a little earlier by chance. A token set without a refresh token lasts as long as its access token.
 *
 * @param margin how long before the end, in ms; half the token's life at the most
 * @param endsAt when the login ends whatever happens, in ms since 1970
 */
export function refreshTime ({ issuedAt, expiresAt, refreshToken }: TokenSet, margin: number, endsAt: number): number {
  if (refreshToken === undefined) return expiresAt ?? endsAt
  const lifetime = expiresAt === null ? Infinity : expiresAt - issuedAt
  const latest = Math.min(REFRESH_INTERVAL, lifetime - Math.min(margin, lifetime / 2))
  return issuedAt + Math.floor(latest * (1 - Math.random() * JITTER))
}
