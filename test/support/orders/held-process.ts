import type { FastifyReply, FastifyRequest } from 'fastify'
import { Authenticator } from '../../../lib/access/authenticate.ts'
import { Authentication, type Collaborators } from '../../../lib/access/authentication.ts'
import { CurrentAuthentication } from '../../../lib/access/current-authentication.ts'
import { Logout } from '../../../lib/access/logout.ts'
import type { LeAuthError } from '../../../lib/errors.ts'
import type { Login } from '../../../lib/logins/login.ts'
import type { Lock } from '../../../lib/store/lock.ts'
import { Sealer } from '../../../lib/store/seal.ts'
import { SessionStoreRecords } from '../../../lib/store/session-store.ts'
import { createLoginServices, type LoginServices } from '../../../lib/tokens/login-services.ts'
import { HOUR, MINUTE } from '../clock.ts'
import type { HeldCalls } from './held-calls.ts'
import type { HeldSentinel } from './held-sentinel.ts'
import { type HeldStore, SECRET } from './held-store.ts'

const USER = { id: '1', isAdmin: false, isLpa: false, claims: {} }
const SETTINGS = {
  accountId: '12345678',
  clientId: 'app',
  lifetimes: { idle: HOUR, absolute: 8 * HOUR }
}
/** Tokens live for 30 minutes, so they are refreshed after 25 at most. */
const LEEWAY = 5 * MINUTE
const REPLY = {} as FastifyReply
const LOG = { info() {}, warn() {} }

/** What a process needs around it. */
interface Outside {
  calls: HeldCalls
  store: HeldStore
  sentinel: HeldSentinel
  lock?: Lock | undefined
}

/** One process of the app: the plugin's modules, connected as the plugin does, without Fastify. */
export class HeldProcess {
  readonly #parts: LoginServices
  readonly #logout: Logout
  readonly #authenticator: Authenticator
  readonly #current = new CurrentAuthentication()
  readonly #outside: Outside
  /** The logins of this run. */
  readonly #known = new Map<string, Login>()

  constructor(outside: Outside) {
    this.#outside = outside
    const {
      calls: { clock },
      store,
      sentinel,
      lock
    } = outside
    const records = new SessionStoreRecords(() => store, clock)
    const surroundings = { records, sealer: new Sealer([SECRET]), clock, lock, sentinel }
    const parts = (this.#parts = createLoginServices(surroundings, SETTINGS, LEEWAY))
    const around = {
      ...parts,
      current: this.#current,
      cookie: COOKIE as never,
      mark: MARK as never,
      sessions: SESSIONS as never
    }
    const logout = (this.#logout = new Logout({ ...around, onLogout: undefined }))
    const collaborators = { ...parts, logout, clock } as unknown as Collaborators
    const responses = RESPONSES as never
    this.#authenticator = new Authenticator({ ...around, collaborators, responses })
  }

  /**
   * Forgets the logins of the last run. The modules stay, for the next run has logins with other
   * ids.
   */
  restart(): void {
    this.#known.clear()
  }

  /** Makes a login as /callback does, in place of the browser's present one. @returns its cookie */
  async logIn(name: string, before: Login | null = null): Promise<string> {
    this.#outside.store.nextName = name
    const tokens = this.#outside.sentinel.logIn(name)
    const { logins, ends } = this.#parts
    const { id, login } = await logins.create(USER, SETTINGS.accountId, tokens)
    await logins.commit(login)
    if (before !== null) await ends.end(before, 'replaced')
    this.#known.set(login.key, login)
    return id
  }

  /** The login of a request with this cookie. */
  async visit(id: string): Promise<Login | null> {
    const request = { id, log: LOG } as unknown as FastifyRequest
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error): void => (error === undefined ? resolve() : reject(error))
      this.#authenticator.authenticate(request, REPLY, done)
    })
    const authentication = this.#current.of(request)
    if (authentication === null || Authentication.isOver(authentication)) return null
    const login = Authentication.loginOf(authentication)
    this.#known.set(login.key, login)
    return login
  }

  /** Requests tokens other than the known ones. @returns which came, or why none did */
  async refresh(login: Login): Promise<string> {
    const { sealed } = login.tokens!
    try {
      await this.#parts.refresher.refresh(login, LOG, other => other.sealed !== sealed)
      return `got ${this.tokensOf(login)}`
    } catch (error) {
      return outcomeOf(error)
    }
  }

  /** Logs out as POST /logout does. @returns the result */
  async logout(login: Login, revoke: boolean): Promise<string> {
    const request = { log: LOG } as unknown as FastifyRequest
    const { revoked } = await this.#logout.logOut(request, REPLY, login, { revoke })
    return `logged out, revoked: ${revoked}`
  }

  /** The refresh token that a login has here. */
  tokensOf(login: Login): string | undefined {
    return this.#parts.tokens.open(login)?.refreshToken
  }

  /** Everything that it remembers of logins between two calls, in words. */
  memory(): string {
    return JSON.stringify([...this.#known.values()].map(login => this.#told(login)))
  }

  /** The part of it that a request, a refresh or a logout reads as it begins, and may use later. */
  essence(): string {
    return JSON.stringify([...this.#known.values()].map(login => this.#shortly(login)))
  }

  #told(login: Login): unknown[] {
    const { pending, unsaved, ...refreshState } = login.refreshState
    const { idleAt, notedAt } = login
    const refresh = [pending !== null, unsaved?.issued.refreshToken, refreshState]
    return [...this.#shortly(login), idleAt, notedAt, ...refresh]
  }

  #shortly(login: Login): unknown[] {
    const {
      store,
      calls: { now }
    } = this.#outside
    const { key, tokens, hasEnded } = login
    return [login.over(now), hasEnded, tokens && store.label(key, tokens.sealed)]
  }
}

/** The cookie of a request here is its id. */
const COOKIE = { idOf: ({ id }: FastifyRequest) => id, clear() {} }
const MARK = { set() {} }
/** As if the app had an error handler. */
const RESPONSES = { respond: (error: Error) => Promise.reject(error) }
/** The app has no sessions here. */
const SESSIONS = {
  load: (_request: unknown, _reply: unknown, _login: unknown, done: () => void) => done(),
  end: async () => {}
}

function outcomeOf(error: unknown): string {
  const { code, reason } = error as LeAuthError
  if (code === undefined) throw error
  return `${code}: ${reason}`
}
