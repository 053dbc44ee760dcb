import type { Clock } from '../clock.ts'
import { leAuthError, type LeAuthError } from '../errors.ts'
import type { User } from '../sentinel/user.ts'
import type { TokenSet } from '../sentinel/token-set.ts'
import { randomText } from '../store/random.ts'
import type { LoginEnds } from './ends.ts'
import type { KnownLogins } from './known-logins.ts'
import { keyOf } from './login-key.ts'
import { Login, type KnownTokens } from './login.ts'
import type { LoginRecords, StoredLogin, StoredTokens } from './login-records.ts'
import type { LoginTokens } from './login-tokens.ts'

/** How often activity is written, in ms; more often if the idle lifetime is short. */
const ACTIVITY_INTERVAL = 5 * 60 * 1000

interface LoginsParts {
  records: LoginRecords
  tokens: LoginTokens
  known: KnownLogins
  ends: LoginEnds
  clock: Clock
}

/** What the logins of an app have in common. */
export interface LoginSettings {
  /** A login for another account or client does not count here. */
  accountId: string
  clientId: string
  /** How long a login lives without a request, and at most, in ms. */
  lifetimes: { idle: number; absolute: number }
}

/** A login that is being made. */
export interface NewLogin {
  /** For the cookie: a browser that sends it is logged in. */
  id: string
  login: Login
}

/** The logins of an app: made by a callback, and found by the cookie of a request. */
export class Logins {
  readonly #with: LoginsParts
  readonly #settings: LoginSettings
  readonly #activityInterval: number

  constructor(parts: LoginsParts, settings: LoginSettings) {
    this.#with = parts
    this.#settings = settings
    this.#activityInterval = Math.min(ACTIVITY_INTERVAL, settings.lifetimes.idle / 10)
  }

  /**
   * Makes a login for a user, and stores its tokens. It logs nobody in before {@link commit}.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  async create(user: User, accountId: string, tokens: TokenSet): Promise<NewLogin> {
    const { clientId, lifetimes } = this.#settings
    const id = randomText()
    const loggedInAt = this.#with.clock.now()
    const endsAt = loggedInAt + lifetimes.absolute
    const facts = { accountId, clientId, user, loggedInAt, endsAt }
    const login = new Login(keyOf(id), facts, lifetimes.idle)
    login.tokens = this.#with.tokens.seal(login, tokens)
    await this.#with.records.writeTokens(login.key, login.tokens, endsAt)
    return { id, login }
  }

  /**
   * Makes a new login valid: a browser that sends its cookie is logged in from now on.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, also if the store has lost what was written
   */
  async commit(login: Login): Promise<void> {
    const { records, known } = this.#with
    login.text = await records.writeLogin(login.key, login.facts)
    if (!(await records.has(login.key, login.text, login.tokens!.sealed))) {
      throw leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: 'lost_write' })
    }
    known.add(login)
  }

  /**
   * The login of an id; it may be over, see {@link Login.over}. If this process knows that it
   * lives, this takes one look-up, and calls back at once if the store does. If this process knows
   * that it has ended, it takes none. Otherwise it reads all records, in one round trip.
   *
   * @throws LE_AUTH_STORE_UNAVAILABLE, to the callback
   */
  find(id: string, done: (error: LeAuthError | null, login: Login | null) => void): void {
    const { records, known, clock } = this.#with
    const key = keyOf(id)
    const login = known.get(key)
    const over = login?.over(clock.now()) ?? null
    // If it seems idle here, another process may have had a later request.
    if (login === undefined || (over === 'idle_lifetime' && !login.hasEnded)) {
      this.#findAll(key).then(
        found => done(null, found),
        error => done(error, null)
      )
    } else if (over !== null) {
      done(null, login)
    } else {
      records.getLogin(key, (error, text) => {
        done(error, error === null ? recognized(login, text) : null)
      })
    }
  }

  async #findAll(key: string): Promise<Login | null> {
    const { records, known, ends } = this.#with
    const stored = await records.findAll(key)
    // Another request may have found the same login meanwhile.
    const login = known.get(key) ?? this.#opened(key, stored)
    if (login === null) return null
    if (stored.tokens !== null) login.tokens ??= knownTokens(stored.tokens)
    else if (stored.login !== null) ends.endInBackground(login, 'tokens_missing')
    login.activeSince(stored.activeAt ?? 0)
    login.notedAt = Math.max(login.notedAt, stored.activeAt ?? 0)
    return recognized(login, stored.login)
  }

  #opened(key: string, { login: text }: StoredLogin): Login | null {
    const facts = text === null ? null : this.#with.records.openLogin(key, text)
    const { accountId, clientId, lifetimes } = this.#settings
    if (facts?.accountId !== accountId || facts.clientId !== clientId) return null
    const login = new Login(key, facts, lifetimes.idle)
    login.text = text
    this.#with.known.add(login)
    return login
  }

  /**
   * Notes a request: here each time, and in the store every few minutes at most.
   *
   * @returns a promise that resolves when the store has it, else `null`
   */
  noteActivity(login: Login): Promise<void> | null {
    const now = this.#with.clock.now()
    login.activeSince(now)
    if (now - login.notedAt < this.#activityInterval) return null
    const before = login.notedAt
    login.notedAt = now
    const expiresAt = Math.min(login.idleAt, login.facts.endsAt)
    // If this fails, the next request tries again.
    return this.#with.records.writeActivity(login.key, now, expiresAt).catch(() => {
      login.notedAt = before
    })
  }
}

/**
 * The login, if its record is unchanged. If the record is gone, another process has ended the
 * login. If the record differs, the login is not trusted.
 */
function recognized(login: Login, text: string | null): Login | null {
  if (text === null) login.end('logged_out')
  return text === null || text === login.text ? login : null
}

/** Tokens that do not open count as expired, so that the next refresh reports them. */
function knownTokens({ sealed, opened }: StoredTokens): KnownTokens {
  const { issuedAt, expiresAt, refreshAt } = opened ?? { issuedAt: 0, expiresAt: 0, refreshAt: 0 }
  return { sealed, issuedAt, expiresAt, refreshAt }
}
