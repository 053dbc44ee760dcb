import type { RefreshState } from '../logins/login.ts'
import type { RefreshFailure } from '../sentinel/refresh-error.ts'

/** A refusal that may mean anything is tried once more after this. In ms. */
export const RETRY_REFUSAL_AFTER = 30 * 1000

/**
 * What it means for a login that Sentinel refused to refresh its tokens. `invalid_grant` ends it.
 * Any other refusal may mean the same (docs/protocol.md §3): the second one since the last success
 * ends the login. If the access token has expired, the first one does.
 *
 * @param expiresAt when the access token expires, in ms since 1970; `null` if Sentinel did not say
 */
export function meaningOfRefusal(
  failure: RefreshFailure,
  { refused }: RefreshState,
  expiresAt: number | null,
  now: number
): 'login_ended' | 'retry' {
  if (failure === 'dead' || refused) return 'login_ended'
  return expiresAt !== null && now >= expiresAt ? 'login_ended' : 'retry'
}
