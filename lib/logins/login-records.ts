import type { LeAuthError } from '../errors.ts'
import type { TokenSet } from '../sentinel/token-set.ts'
import { find, type Records } from '../store/records.ts'
import type { Sealer } from '../store/seal.ts'
import type { KnownTokens, LoginFacts } from './login.ts'

/**
 * How long the record `revoke` is kept, in ms, so that a refresh in flight still finds it and
 * revokes its new tokens.
 */
const REVOKE_FOR = 10 * 60 * 1000

/** What the store has of a login. */
export interface StoredLogin {
  login: string | null
  tokens: StoredTokens | null
  /** The activity that was written last, in ms since 1970. */
  activeAt: number | null
}

/** Tokens as they were in the store. */
export interface StoredTokens {
  sealed: string
  /** `null` if they were not sealed by this app for this login. */
  opened: OpenedTokens | null
}

/** Tokens, and when to refresh them. */
export type OpenedTokens = TokenSet & { refreshAt: number }

/**
 * The records of a login. The list shows who writes each. All are sealed under a key of their
 * login: without `secret`, a record can be neither changed nor copied to another login.
 *
 * - `login`: written once by /callback, and then only destroyed. A login exists if this exists.
 * - `tokens`: written by /callback and by refreshes. Worth nothing without `login`.
 * - `active`: written by requests, every few minutes.
 * - `revoke`: written by a logout that revokes, before it destroys `login`. A refresh reads it
 *   after
 *   it has found that its login has ended. Only its presence counts.
 */
export class LoginRecords {
  readonly #records: Records
  readonly #sealer: Sealer
  readonly #now: () => number

  constructor(records: Records, sealer: Sealer, now: () => number) {
    this.#records = records
    this.#sealer = sealer
    this.#now = now
  }

  /** Whether other processes may use the same records. */
  get shared(): boolean {
    return this.#records.shared
  }

  /**
   * The sealed facts of a login. Calls back at once if the store does.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, to the callback
   */
  getLogin(key: string, done: (error: LeAuthError | null, text: string | null) => void): void {
    this.#records.get('login', key, done)
  }

  /** Whether a login is there. @throws LE_AUTH_STORE_UNAVAILABLE */
  async hasLogin(key: string): Promise<boolean> {
    return ((await find(this.#records, 'login', key)) ?? '') !== ''
  }

  /** Whether the store has exactly these texts. @throws LE_AUTH_STORE_UNAVAILABLE */
  async has(key: string, login: string, tokens: string): Promise<boolean> {
    const stored = await Promise.all([
      find(this.#records, 'login', key),
      find(this.#records, 'tokens', key)
    ])
    return stored[0] === login && stored[1] === tokens
  }

  /** All records of a login, in one round trip. @throws LE_AUTH_STORE_UNAVAILABLE */
  async findAll(key: string): Promise<StoredLogin> {
    const [login, tokens, activeAt] = await Promise.all([
      find(this.#records, 'login', key),
      this.findTokens(key),
      this.findActivity(key)
    ])
    return { login, tokens, activeAt }
  }

  /** @throws LE_AUTH_STORE_UNAVAILABLE */
  async findTokens(key: string): Promise<StoredTokens | null> {
    const sealed = await find(this.#records, 'tokens', key)
    return sealed === null ? null : { sealed, opened: this.openTokens(key, sealed) }
  }

  /** In ms since 1970. @throws LE_AUTH_STORE_UNAVAILABLE */
  async findActivity(key: string): Promise<number | null> {
    const sealed = await find(this.#records, 'active', key)
    const activity = sealed === null ? null : this.#sealer.open('active', key, sealed)
    return (activity as { at: number } | null)?.at ?? null
  }

  /** The facts of a login; `null` if this app did not seal them for this login. */
  openLogin(key: string, sealed: string): LoginFacts | null {
    return this.#sealer.open('login', key, sealed) as LoginFacts | null
  }

  /** The tokens of a login; `null` if this app did not seal them for this login. */
  openTokens(key: string, sealed: string): OpenedTokens | null {
    return this.#sealer.open('tokens', key, sealed) as OpenedTokens | null
  }

  sealTokens(key: string, tokens: OpenedTokens): KnownTokens {
    const { issuedAt, expiresAt, refreshAt } = tokens
    return { sealed: this.#sealer.seal('tokens', key, tokens), issuedAt, expiresAt, refreshAt }
  }

  /** @returns the text that was written. @throws LE_AUTH_STORE_UNAVAILABLE */
  async writeLogin(key: string, facts: LoginFacts): Promise<string> {
    const sealed = this.#sealer.seal('login', key, facts)
    await this.#records.set('login', key, sealed, facts.endsAt)
    return sealed
  }

  /** @throws LE_AUTH_STORE_UNAVAILABLE */
  writeTokens(key: string, { sealed }: KnownTokens, endsAt: number): Promise<void> {
    return this.#records.set('tokens', key, sealed, endsAt)
  }

  /** @throws LE_AUTH_STORE_UNAVAILABLE */
  writeActivity(key: string, at: number, expiresAt: number): Promise<void> {
    return this.#records.set('active', key, this.#sealer.seal('active', key, { at }), expiresAt)
  }

  /** @throws LE_AUTH_STORE_UNAVAILABLE */
  destroyTokens(key: string): Promise<void> {
    return this.#records.destroy('tokens', key)
  }

  /** Whether a logout wants all tokens of a login revoked. @throws LE_AUTH_STORE_UNAVAILABLE */
  async isToBeRevoked(key: string): Promise<boolean> {
    return (await find(this.#records, 'revoke', key)) !== null
  }

  /**
   * Removes a login. The order of the steps decides every race with a refresh, which writes
   * `tokens` and then reads `login`. So either this method finds the new tokens, or the refresh
   * finds no `login` and then reads `revoke`.
   *
   * @returns the newest tokens, if they are to be revoked
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async destroy(key: string, revoke: boolean): Promise<OpenedTokens | null> {
    if (revoke) {
      const sealed = this.#sealer.seal('revoke', key, {})
      await this.#records.set('revoke', key, sealed, this.#now() + REVOKE_FOR)
    }
    await this.#records.destroy('login', key)
    const newest = revoke ? await this.findTokens(key) : null
    await Promise.all([this.#records.destroy('tokens', key), this.#records.destroy('active', key)])
    return newest?.opened ?? null
  }
}
