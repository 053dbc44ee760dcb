import type { User } from '../sentinel/claims.js'
import type { TokenSet } from '../sentinel/token-set.js'

/** What /callback writes once, and what nobody changes after that. */
export interface LoginFacts {
  accountId: string
  clientId: string
  user: User
  /** In ms since 1970. */
  loggedInAt: number
  /** When the login ends whatever happens, in ms since 1970. */
  endsAt: number
}

/** What a process knows of the tokens of a login without opening them. */
export interface KnownTokens {
  /** As they are in the store. */
  sealed: string
  /** In ms since 1970. */
  issuedAt: number
  /** When the access token expires; `null` if Sentinel did not tell. In ms since 1970. */
  expiresAt: number | null
  /** When the access token is to be refreshed, in ms since 1970; it may still live. */
  refreshAt: number
}

/** Why a login is over: `logged_out`, `replaced`, `absolute_lifetime`, `idle_lifetime`, or why a refresh was refused. */
export type EndReason = string

/** What refreshes have to remember of a login in this process. */
export interface RefreshMemory {
  /** The refresh in flight; requests that need it wait for the same one. */
  pending: Promise<void> | null
  /** How many tries have failed in a row. */
  failures: number
  /** Before that no other try begins, in ms since 1970. */
  nextTryAt: number
  /** Whether Sentinel has refused the last try, in words that may mean anything. */
  refused: boolean
  /** Whether one of these tries may have replaced the refresh token without our hearing of it. */
  answerLost: boolean
  /** Tokens that Sentinel has given for those in the store, and that the store has not taken. */
  unsaved: TokenSet | null
}

/**
 * A login as this process knows it: one object, shared by all its requests. Whether it is over is asked here and nowhere
 * else.
 */
export class Login {
  /** SHA-256 of the id in the cookie: the key of its records. */
  readonly key: string
  readonly facts: Readonly<LoginFacts>
  /** The record as it is in the store; `null` before the login is committed. */
  text: string | null = null
  tokens: KnownTokens | null = null
  readonly refreshMemory: RefreshMemory = { pending: null, failures: 0, nextTryAt: 0, refused: false, answerLost: false, unsaved: null }
  /** When its activity was written last, in ms since 1970. */
  notedAt: number
  readonly #idleLifetime: number
  #activeAt: number
  #ended: EndReason | null = null
  #controller: AbortController | null = null

  /** @param idleLifetime in ms */
  constructor (key: string, facts: LoginFacts, idleLifetime: number) {
    this.key = key
    this.facts = Object.freeze({ ...facts, user: deepFreeze(facts.user) })
    this.#idleLifetime = idleLifetime
    this.#activeAt = this.notedAt = facts.loggedInAt
  }

  /** Whether this login is over, and why; `null` while it lives. Of other processes it knows what {@link Logins} has told it. */
  over (now: number): EndReason | null {
    if (this.#ended !== null) return this.#ended
    if (now >= this.facts.endsAt) return 'absolute_lifetime'
    return now >= this.idleAt ? 'idle_lifetime' : null
  }

  /** Whether its record has been written; before that, while `onLogin` runs, nobody else can have ended it. */
  get isCommitted (): boolean {
    return this.text !== null
  }

  /** Whether it has ended here for good; of one that seems idle another process may know more. */
  get hasEnded (): boolean {
    return this.#ended !== null
  }

  /** When it is over unless somebody is active until then, in ms since 1970. */
  get idleAt (): number {
    return this.#activeAt + this.#idleLifetime
  }

  /** Notes that somebody was active. */
  activeSince (time: number): void {
    this.#activeAt = Math.max(this.#activeAt, time)
  }

  /** Ends it in this process, for all requests that hold it. The first reason stays. */
  end (reason: EndReason): void {
    if (this.#ended !== null) return
    this.#ended = reason
    this.#controller?.abort()
  }

  /** Aborts when the login ends in this process. */
  get signal (): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#ended !== null) this.#controller.abort()
    return this.#controller.signal
  }
}

function deepFreeze<Value> (value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
