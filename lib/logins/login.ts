import type { LoginEndReason } from '../errors.ts'
import type { User } from '../sentinel/user.ts'
import type { TokenSet } from '../sentinel/token-set.ts'

/** What /callback writes once. Nothing changes it after that. */
export interface LoginFacts {
  accountId: string
  clientId: string
  user: User
  /** In ms since 1970. */
  loggedInAt: number
  /** When the login ends in any case, in ms since 1970. */
  endsAt: number
}

/** What a process knows of a login's tokens without opening them. */
export interface KnownTokens {
  /** As they are in the store. */
  sealed: string
  /** In ms since 1970. */
  issuedAt: number
  /** When the access token expires, in ms since 1970; `null` if Sentinel did not say. */
  expiresAt: number | null
  /** When the access token is to be refreshed, in ms since 1970. It may live longer. */
  refreshAt: number
}

/** Tokens that Sentinel has issued, but the store did not confirm. */
export interface UnsavedTokens {
  issued: TokenSet
  /** The sealed tokens that they replace. */
  replaces: string
}

/** What a process remembers of a login's refreshes. */
export interface RefreshState {
  /** The refresh in flight; all requests that need one wait for it. */
  pending: Promise<void> | null
  /** How many attempts have failed in a row. */
  failures: number
  /** No attempt begins before this, in ms since 1970. */
  nextAttemptAt: number
  /**
   * Whether Sentinel has refused an attempt since the last success, other than with
   * `invalid_grant`.
   */
  refused: boolean
  /**
   * Whether Sentinel may have replaced the refresh token in one of these attempts, without a usable
   * response.
   */
  responseLost: boolean
  /** Cleared by the next refresh that succeeds. */
  unsaved: UnsavedTokens | null
}

/** Whom an event or a log line is about. */
export interface LoginSubject {
  accountId: string
  userId: string
}

/**
 * A login as this process knows it: one object, shared by all its requests. Whether it is over is
 * decided here and nowhere else.
 */
export class Login {
  /** SHA-256 of the id in the cookie: the key of its records. */
  readonly key: string
  readonly facts: Readonly<LoginFacts>
  /** The record as it is in the store; `null` before the login is committed. */
  text: string | null = null
  tokens: KnownTokens | null = null
  readonly refreshState: RefreshState = {
    pending: null,
    failures: 0,
    nextAttemptAt: 0,
    refused: false,
    responseLost: false,
    unsaved: null
  }

  /** When its activity was last written, in ms since 1970. */
  notedAt: number
  readonly #idleLifetime: number
  #activeAt: number
  #ended: LoginEndReason | null = null
  #controller: AbortController | null = null

  /** @param idleLifetime in ms */
  constructor(key: string, facts: LoginFacts, idleLifetime: number) {
    this.key = key
    this.facts = Object.freeze({ ...facts, user: deepFreeze(facts.user) })
    this.#idleLifetime = idleLifetime
    this.#activeAt = this.notedAt = facts.loggedInAt
  }

  /** Why this login is over, as far as this process knows; `null` while it lives. */
  over(now: number): LoginEndReason | null {
    if (this.#ended !== null) return this.#ended
    if (now >= this.facts.endsAt) return 'absolute_lifetime'
    return now >= this.idleAt ? 'idle_lifetime' : null
  }

  /** Whether its record was written. While `onLogin` runs it is not, and nobody else can end it. */
  get isCommitted(): boolean {
    return this.text !== null
  }

  /**
   * Whether it has ended here for good. If it only seems idle here, another process may have had a
   * later request.
   */
  get hasEnded(): boolean {
    return this.#ended !== null
  }

  /** When it expires unless there is a request before, in ms since 1970. */
  get idleAt(): number {
    return this.#activeAt + this.#idleLifetime
  }

  get subject(): LoginSubject {
    return { accountId: this.facts.accountId, userId: this.facts.user.id }
  }

  /** Notes a request at this time. */
  activeSince(time: number): void {
    this.#activeAt = Math.max(this.#activeAt, time)
  }

  /** Ends it in this process, for all requests that hold it. The first reason stays. */
  end(reason: LoginEndReason): void {
    if (this.#ended !== null) return
    this.#ended = reason
    this.#controller?.abort()
  }

  /** Aborts when the login ends in this process. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#ended !== null) this.#controller.abort()
    return this.#controller.signal
  }
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
