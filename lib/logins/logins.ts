import { hash } from 'node:crypto'
import type { Clock } from '../clock.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { User } from '../sentinel/claims.js'
import type { TokenSet } from '../sentinel/token-set.js'
import { randomText } from '../store/random.js'
import { KnownLogins } from './known-logins.js'
import { Login, type EndReason } from './login.js'
import type { LoginRecords, OpenedTokens, StoredLogin, StoredTokens } from './login-records.js'

/** How often activity is noted, in ms; sooner if the idle lifetime is short. */
const NOTED_EVERY = 5 * 60 * 1000
/** How often an open request that has asked for `signal` looks for an end in another process, in ms. */
const LOOK_EVERY = 60 * 1000

/** What the logins of an app have in common. */
export interface LoginSettings {
  /** The account and the client that logins are for: one for another is none. */
  accountId: string
  clientId: string
  /** How long a login lives without a request, in ms. */
  idleLifetime: number
  /** How long a login lives at all, in ms. */
  absoluteLifetime: number
  /** When tokens are to be refreshed, in ms since 1970. @param endsAt when their login ends */
  refreshTime: (tokens: TokenSet, endsAt: number) => number
}

/** A login that is being made. */
export interface NewLogin {
  /** For the cookie: whoever has it is logged in. */
  id: string
  login: Login
}

/** The logins of an app: made by a callback, found by a request's cookie, ended. */
export class Logins {
  readonly #records: LoginRecords
  readonly #settings: LoginSettings
  readonly #clock: Clock
  readonly #known = new KnownLogins()
  readonly #notedEvery: number
  readonly #watched = new WeakSet<Login>()
  #closed = false

  constructor (records: LoginRecords, settings: LoginSettings, clock: Clock) {
    this.#records = records
    this.#settings = settings
    this.#clock = clock
    this.#notedEvery = Math.min(NOTED_EVERY, settings.idleLifetime / 10)
  }

  /** The key of a login's records. The id itself is in the browser's cookie and nowhere else. */
  static keyOf (id: string): string {
    return hash('sha256', id, 'base64url')
  }

  /**
   * Makes a login for a user, with its tokens stored. Nobody is logged in by it before {@link commit}.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async create (user: User, accountId: string, tokens: TokenSet): Promise<NewLogin> {
    const id = randomText()
    const loggedInAt = this.#clock.now()
    const { clientId, idleLifetime, absoluteLifetime } = this.#settings
    const facts = { accountId, clientId, user, loggedInAt, endsAt: loggedInAt + absoluteLifetime }
    const login = new Login(Logins.keyOf(id), facts, idleLifetime)
    login.tokens = this.sealTokens(login, tokens)
    await this.#records.writeTokens(login.key, login.tokens, facts.endsAt)
    return { id, login }
  }

  /**
   * Makes a new login true: whoever has its cookie is logged in from now on.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, also if the store has lost what it was given
   */
  async commit (login: Login): Promise<void> {
    login.text = await this.#records.writeLogin(login.key, login.facts)
    if (!await this.#records.has(login.key, login.text, login.tokens!.sealed)) throw leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: 'lost_write' })
    this.#known.add(login)
  }

  /**
   * Looks who is logged in, with one look-up if this process knows the login, and one round trip if not. Calls back at once
   * if the store does. Whether the login is over is for {@link Login.over} to say.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, to the callback
   */
  find (id: string, done: (error: LeAuthError | null, login: Login | null) => void): void {
    const key = Logins.keyOf(id)
    const login = this.#known.get(key)
    const over = login?.over(this.#clock.now()) ?? null
    // Of a login that seems idle another process may know more.
    if (login === undefined || (over === 'idle_lifetime' && !login.hasEnded)) {
      this.#findAll(key).then(login => done(null, login), error => done(error, null))
    } else if (over !== null) {
      done(null, login)
    } else {
      this.#records.getLogin(key, (error, text) => done(error, error === null ? this.#recognized(login, text) : null))
    }
  }

  async #findAll (key: string): Promise<Login | null> {
    const stored = await this.#records.findAll(key)
    // By now another request may have found the same.
    const login = this.#known.get(key) ?? this.#opened(key, stored)
    if (login === null) return null
    if (stored.tokens !== null) login.tokens ??= knownTokens(stored.tokens)
    else if (stored.login !== null) this.expire(login, 'tokens_missing')
    login.activeSince(stored.activeAt ?? 0)
    login.notedAt = Math.max(login.notedAt, stored.activeAt ?? 0)
    return this.#recognized(login, stored.login)
  }

  /** A login whose record is gone has ended in another process; one whose record has changed is not believed. */
  #recognized (login: Login, text: string | null): Login | null {
    if (text === null) login.end('logged_out')
    return text === null || text === login.text ? login : null
  }

  #opened (key: string, { login: text }: StoredLogin): Login | null {
    const facts = text === null ? null : this.#records.openLogin(key, text)
    if (facts === null || facts.accountId !== this.#settings.accountId || facts.clientId !== this.#settings.clientId) return null
    const login = new Login(key, facts, this.#settings.idleLifetime)
    login.text = text
    this.#known.add(login)
    return login
  }

  /** Notes activity where it is seen, and in the store every few minutes at the most. */
  noteActivity (login: Login): void {
    const now = this.#clock.now()
    login.activeSince(now)
    if (now - login.notedAt < this.#notedEvery) return
    const before = login.notedAt
    login.notedAt = now
    // The next request tries again if this fails.
    this.#records.writeActivity(login.key, now, Math.min(login.idleAt, login.facts.endsAt)).catch(() => { login.notedAt = before })
  }

  /**
   * Whether a login is over now, for whoever acts with it. Only if it seems idle is the store asked, since another process
   * may have seen somebody.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async over (login: Login): Promise<EndReason | null> {
    const reason = login.over(this.#clock.now())
    if (reason !== 'idle_lifetime' || login.hasEnded || !this.#records.shared) return reason
    // None counts as 0.
    login.activeSince(Number(await this.#records.findActivity(login.key)))
    return login.over(this.#clock.now())
  }

  /** Whether no other process has ended a login. @throws LE_AUTH_STORE_UNAVAILABLE */
  async isThere (login: Login): Promise<boolean> {
    return !login.isCommitted || this.#records.hasLogin(login.key)
  }

  /**
   * Ends a login, here at once, and in the store.
   *
   * @param revoke whether its tokens are to be revoked
   * @returns the newest tokens, if they are to be revoked
   * @throws LE_AUTH_STORE_UNAVAILABLE; in this process it has ended all the same
   */
  async end (login: Login, reason: EndReason, revoke = false): Promise<OpenedTokens | null> {
    login.end(reason)
    return this.#records.destroy(login.key, revoke)
  }

  /**
   * Ends what the store still has of a login that is over, by the id in its cookie.
   *
   * @returns the newest tokens, if there are any and they are to be revoked
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async endById (id: string, revoke: boolean): Promise<OpenedTokens | null> {
    const key = Logins.keyOf(id)
    this.#known.get(key)?.end('logged_out')
    // For an id that somebody made up nothing is written.
    return this.#records.destroy(key, revoke && await this.#records.findTokens(key) !== null)
  }

  /** Ends a login that time or Sentinel has ended. What the store then fails to remove expires by itself. */
  expire (login: Login, reason: EndReason): void {
    this.end(login, reason).catch(() => {})
  }

  sealTokens (login: Login, tokens: TokenSet): ReturnType<LoginRecords['sealTokens']> {
    return this.#records.sealTokens(login.key, { ...tokens, refreshAt: this.#settings.refreshTime(tokens, login.facts.endsAt) })
  }

  /** The tokens that this process knows, `null` if they were not sealed by this app for this login. */
  openTokens (login: Login): OpenedTokens | null {
    return this.#records.openTokens(login.key, login.tokens!.sealed)
  }

  /** A signal that aborts when the login ends: at once in this process, within a minute in another, and by time. */
  signalOf (login: Login): AbortSignal {
    if (!this.#watched.has(login)) this.#watch(login)
    return login.signal
  }

  /** Looks no more for ends in other processes. */
  close (): void {
    this.#closed = true
  }

  #watch (login: Login): void {
    this.#watched.add(login)
    if (login.hasEnded || this.#closed) return
    const end = Math.min(login.idleAt, login.facts.endsAt) - this.#clock.now()
    this.#clock.after(Math.min(end, LOOK_EVERY), () => {
      // A store that fails says nothing about the login.
      this.#look(login).catch(() => {}).finally(() => this.#watch(login))
    })
  }

  async #look (login: Login): Promise<void> {
    const reason = await this.over(login)
    if (reason !== null) this.expire(login, reason)
    else if (!await this.isThere(login)) login.end('logged_out')
  }
}

function knownTokens ({ sealed, opened }: StoredTokens): Login['tokens'] {
  // Tokens that do not open are found out by the refresh, which is due at once.
  const { issuedAt, expiresAt, refreshAt } = opened ?? { issuedAt: 0, expiresAt: 0, refreshAt: 0 }
  return { sealed, issuedAt, expiresAt, refreshAt }
}
