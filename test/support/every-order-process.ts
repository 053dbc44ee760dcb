import type { FastifyReply, FastifyRequest } from 'fastify'
import { createAuthenticate } from '../../lib/access/authenticate.js'
import { Authentication, type Collaborators } from '../../lib/access/authentication.js'
import { CurrentAuthentication } from '../../lib/access/current.js'
import { createLogout, type Logout } from '../../lib/access/logout.js'
import type { LeAuthError } from '../../lib/errors.js'
import type { Login } from '../../lib/logins/login.js'
import { LoginRecords } from '../../lib/logins/login-records.js'
import { Logins, type NewLogin } from '../../lib/logins/logins.js'
import type { RefreshLock } from '../../lib/store/refresh-lock.js'
import { Sealer } from '../../lib/store/seal.js'
import { SessionStoreRecords } from '../../lib/store/session-store.js'
import { Refresh } from '../../lib/tokens/refresh.js'
import { Renewal } from '../../lib/tokens/renewal.js'
import { HOUR, MINUTE } from './clock.js'
import type { HeldCalls } from './every-order-calls.js'
import type { HeldSentinel } from './every-order-sentinel.js'
import { SECRET, type HeldStore } from './every-order-store.js'

const USER = { id: '1', isAdmin: false, isLpa: false, claims: {} }
const SETTINGS = { accountId: '12345678', clientId: 'app', idleLifetime: HOUR, absoluteLifetime: 8 * HOUR }
const REPLY = {} as FastifyReply
const LOG = { info () {}, warn () {} }

/** What a process needs of the world. */
interface Outside {
  calls: HeldCalls
  store: HeldStore
  sentinel: HeldSentinel
  lock?: RefreshLock | undefined
}

/** One process of the app: the plugin's own modules, wired as the plugin wires them, without Fastify. */
export class HeldProcess {
  readonly logins: Logins
  readonly #refresh: Refresh
  readonly #logout: Logout
  readonly #authenticate: ReturnType<typeof createAuthenticate>
  readonly #current = new CurrentAuthentication()
  readonly #outside: Outside
  /** The logins of this run, to be told in words. */
  readonly #known = new Map<string, Login>()

  constructor (outside: Outside) {
    this.#outside = outside
    const { calls: { clock }, store, sentinel: { requestTokens, revoke }, lock } = outside
    const records = new LoginRecords(new SessionStoreRecords(() => store, clock), new Sealer([SECRET]), clock.now)
    this.logins = new Logins(records, { ...SETTINGS, refreshTime: ({ issuedAt }) => issuedAt + 25 * MINUTE }, clock)
    this.#refresh = new Refresh(new Renewal({ logins: this.logins, records, requestTokens, revoke, mayLose: lock === undefined, clock }), lock, clock)
    const parts = { logins: this.logins, current: this.#current, cookie: COOKIE as never, sessions: SESSIONS as never }
    this.#logout = createLogout({ ...parts, revoke })
    this.#authenticate = createAuthenticate({ ...parts, collaborators: { ...parts, refresh: this.#refresh, logout: this.#logout, clock } as unknown as Collaborators })
  }

  /** Each run has logins of its own, with other ids, so the modules themselves can go on. */
  restart (): void {
    this.#known.clear()
  }

  /** A login as /callback makes it, instead of the one that the browser has had. */
  async logIn (name: string, before: Login | null = null): Promise<string> {
    this.#outside.store.nextName = name
    const made: NewLogin = await this.logins.create(USER, SETTINGS.accountId, this.#outside.sentinel.logIn(name))
    await this.logins.commit(made.login)
    if (before !== null) await this.logins.end(before, 'replaced')
    this.#known.set(made.login.key, made.login)
    return made.id
  }

  /** Who is logged in on a request with this cookie. */
  async visit (id: string): Promise<Login | null> {
    const request = { id, log: LOG } as unknown as FastifyRequest
    await new Promise<void>((resolve, reject) => this.#authenticate(request, REPLY, error => error === undefined ? resolve() : reject(error)))
    const authentication = this.#current.of(request)
    if (authentication === null || Authentication.isOver(authentication)) return null
    const login = Authentication.loginOf(authentication)
    this.#known.set(login.key, login)
    return login
  }

  /** Asks for tokens other than those that are known. @returns which came, or why none did */
  async refresh (login: Login): Promise<string> {
    const { sealed } = login.tokens!
    try {
      await this.#refresh.refresh(login, LOG, other => other.sealed !== sealed)
      return `got ${this.tokensOf(login)}`
    } catch (error) {
      return outcomeOf(error)
    }
  }

  /** Logs out as POST /logout does. @returns what it answered */
  async logout (login: Login, revoke: boolean): Promise<string> {
    const { revoked } = await this.#logout({ log: LOG } as unknown as FastifyRequest, REPLY, login, { revoke })
    return `logged out, revoked: ${revoked}`
  }

  /** The refresh token that a login has here. */
  tokensOf (login: Login): string | undefined {
    return this.logins.openTokens(login)?.refreshToken
  }

  /** What it remembers of logins between two calls, in words. */
  memory (): string {
    return JSON.stringify([...this.#known.values()].map(login => this.#told(login)))
  }

  /** What of this a request, a refresh or a logout looks at as it begins, and may go by later. */
  essence (): string {
    return JSON.stringify([...this.#known.values()].map(login => this.#shortly(login)))
  }

  #told (login: Login): unknown[] {
    const { pending, unsaved, ...refreshMemory } = login.refreshMemory
    return [...this.#shortly(login), login.idleAt, login.notedAt, pending !== null, unsaved?.refreshToken, refreshMemory]
  }

  #shortly (login: Login): unknown[] {
    const { store, calls: { now } } = this.#outside
    return [login.over(now), login.hasEnded, login.tokens && store.label(login.key, login.tokens.sealed)]
  }
}

/** The cookie of a request here is its id. */
const COOKIE = { idOf: ({ id }: FastifyRequest) => id, clear () {} }
/** The app has no sessions of its own here. */
const SESSIONS = { load: (_request: unknown, _login: unknown, done: () => void) => done(), end: async () => {} }

function outcomeOf (error: unknown): string {
  const { code, reason } = error as LeAuthError
  if (code === undefined) throw error
  return `${code}: ${reason}`
}
