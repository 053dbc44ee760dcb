import type { Clock } from '../clock.ts'
import { LoginEnds } from '../logins/ends.ts'
import { KnownLogins } from '../logins/known-logins.ts'
import { LoginRecords } from '../logins/login-records.ts'
import { LoginTokens } from '../logins/login-tokens.ts'
import { Logins, type LoginSettings } from '../logins/logins.ts'
import { LoginSignals } from '../logins/signals.ts'
import type { RefreshRequest } from '../sentinel/refresh-tokens.ts'
import type { TokenSet } from '../sentinel/token-set.ts'
import type { Lock } from '../store/lock.ts'
import type { Records } from '../store/records.ts'
import type { Sealer } from '../store/seal.ts'
import { refreshTime } from './refresh-time.ts'
import { Refresher } from './refresher.ts'

/** What logins and their tokens need around them. */
interface Surroundings {
  records: Records
  sealer: Sealer
  clock: Clock
  lock: Lock | undefined
  sentinel: {
    refreshTokens: (accountId: string, request: RefreshRequest) => Promise<TokenSet>
    revokeToken: (accountId: string, refreshToken: string) => Promise<void>
  }
}

/** What makes logins, finds them, keeps their tokens fresh, and ends them. */
export interface LoginServices {
  logins: Logins
  tokens: LoginTokens
  ends: LoginEnds
  refresher: Refresher
  signals: LoginSignals
}

/** @param refreshLeeway an access token is refreshed this long before it expires, in ms */
export function createLoginServices(
  { records: stored, sealer, clock, lock, sentinel }: Surroundings,
  settings: LoginSettings,
  refreshLeeway: number
): LoginServices {
  const records = new LoginRecords(stored, sealer, clock.now)
  const tokens = new LoginTokens(records, (tokens, endsAt) =>
    refreshTime(tokens, refreshLeeway, endsAt)
  )
  const known = new KnownLogins()
  const ends = new LoginEnds({ records, known, sentinel, clock })
  const logins = new Logins({ records, tokens, known, ends, clock }, settings)
  // Without a lock, another process may use the same refresh token at the same time.
  const mayLose = records.shared && lock === undefined
  const refresher = new Refresher({ records, tokens, ends, sentinel, mayLose, clock }, lock)
  return { logins, tokens, ends, refresher, signals: new LoginSignals(ends, clock) }
}
