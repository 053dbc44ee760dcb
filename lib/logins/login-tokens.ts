import type { TokenSet } from '../sentinel/token-set.ts'
import type { KnownTokens, Login } from './login.ts'
import type { LoginRecords, OpenedTokens } from './login-records.ts'

/** When tokens are to be refreshed, in ms since 1970. @param endsAt when their login ends */
export type RefreshTime = (tokens: TokenSet, endsAt: number) => number

/** Seals and opens the tokens of logins. */
export class LoginTokens {
  readonly #records: LoginRecords
  readonly #refreshTime: RefreshTime

  constructor(records: LoginRecords, refreshTime: RefreshTime) {
    this.#records = records
    this.#refreshTime = refreshTime
  }

  seal(login: Login, tokens: TokenSet): KnownTokens {
    const refreshAt = this.#refreshTime(tokens, login.facts.endsAt)
    return this.#records.sealTokens(login.key, { ...tokens, refreshAt })
  }

  /**
   * The tokens that this process knows; `null` if they were not sealed by this app for this login.
   */
  open(login: Login): OpenedTokens | null {
    return this.#records.openTokens(login.key, login.tokens!.sealed)
  }
}
