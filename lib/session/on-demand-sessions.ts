import session, { type FastifySessionOptions } from '@fastify/session'
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
  Session
} from 'fastify'
import type { Clock } from '../clock.ts'
import type { LeAuthError } from '../errors.ts'
import type { Login } from '../logins/login.ts'
import type { CookieAttributes, ResolvedCookie } from '../options/resolved-options.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { derivedSecret } from '../store/seal.ts'
import { quietStore, type PlainStore } from '../store/session-store.ts'
import { AppSessions, makeSession, type LoadFailure } from './app-sessions.ts'
import { ownAttributes } from './cookie-attributes.ts'
import { SessionSigner } from './session-signer.ts'

type SaveHook = (
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: HookHandlerDoneFunction
) => void
type FullSession = FastifyRequest['session']

/** Where a request keeps its session; `undefined` until something reads `request.session`. */
const SESSION = Symbol('session')
/** Where a request keeps the login that its session belongs to. */
const OWNER = Symbol('owner of the session')
/** Where a request keeps whether it came with the cookie of one of our sessions. */
const CAME_WITH_COOKIE = Symbol('came with the cookie of a session')

interface Slots {
  [SESSION]: Session | null | undefined
  [OWNER]: Login | null | undefined
  [CAME_WITH_COOKIE]: boolean | undefined
}

function slotsOf(request: FastifyRequest): Slots {
  return request as unknown as Slots
}

/** What the sessions need to know. */
export interface OnDemandSettings {
  /** The login cookie. The session's has the same attributes, and `.session` after the name. */
  cookie: ResolvedCookie
  /** How long a login lives at most, in ms. */
  lifetime: number
  secrets: string[]
  /** Session keys that survive a login. */
  keep: string[]
  store: MemoryStore | PlainStore
}

/**
 * `request.session` by @fastify/session, registered by this plugin: loaded if the browser has a
 * session cookie, else made when something reads `request.session`, and stored only if the app has
 * written to it.
 */
export class OnDemandSessions extends AppSessions {
  readonly #app: FastifyInstance
  readonly #cookieName: string
  readonly #attributes: CookieAttributes
  readonly #store: PlainStore
  /** The key of the login that each session belongs to. */
  readonly #owners = new WeakMap<object, string>()
  readonly #save: SaveHook
  readonly #decryptSession: FastifyInstance['decryptSession']

  constructor(app: FastifyInstance, settings: OnDemandSettings, clock: Clock) {
    super(settings.keep, clock)
    const { cookie, lifetime, secrets } = settings
    this.#app = app
    this.#cookieName = `${cookie.name}.session`
    this.#attributes = cookie.attributes
    this.#store = withOwners(quietStore(settings.store, clock), this.#owners)
    showSize(this.#store, settings.store)
    this.#save = registerWithoutHooks(app, {
      secret: new SessionSigner(secrets.map(secret => derivedSecret(secret, 'session cookie'))),
      cookieName: this.#cookieName,
      cookie: { ...cookie.attributes, path: '/', httpOnly: true, maxAge: lifetime },
      store: this.#store as NonNullable<FastifySessionOptions['store']>,
      saveUninitialized: false,
      rolling: false
    })
    this.#decryptSession = app.decryptSession
    this.#decorateRequest()
    app.addHook('onSend', this.#saveSession)
  }

  override load(
    request: FastifyRequest,
    reply: FastifyReply,
    login: Login | null,
    done: HookHandlerDoneFunction,
    fail: LoadFailure
  ): void {
    if (login !== null) slotsOf(request)[OWNER] = login
    const hasCookie = Object.hasOwn(request.cookies, this.#cookieName)
    if (!hasCookie || !this.#isOurs(request)) return done()
    const cookie = request.cookies[this.#cookieName]!
    this.#app.decryptSession(cookie, request, error => {
      if (error != null) return fail(error as LeAuthError, request, reply, done)
      this.#adopt(request, login, cookie)
      done()
    })
  }

  #adopt(request: FastifyRequest, login: Login | null, cookie: string): void {
    const isOfCookie = request.session.encryptedSessionId === cookie
    slotsOf(request)[CAME_WITH_COOKIE] = isOfCookie
    // Otherwise the cookie may belong to another app on this host, and @fastify/session would clear
    // it.
    if (isOfCookie) this.bind(request, login)
    else this.renew(request, login)
  }

  override async end(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (this.#isOurs(request)) await super.end(request, reply)
  }

  protected override present(request: FastifyRequest): Session | null {
    return slotsOf(request)[SESSION] ?? null
  }

  protected override renew(request: FastifyRequest, login: Login | null): void {
    this.restore(request, null, login)
    // @fastify/session would clear a cookie of another session, and the browser may have a new one.
    delete request.cookies[this.#cookieName]
  }

  protected override restore(
    request: FastifyRequest,
    session: Session | null,
    login: Login | null
  ): void {
    const slots = slotsOf(request)
    slots[OWNER] = login
    slots[SESSION] = session ?? undefined
  }

  protected override isToBeSaved(session: Session): boolean {
    return (session as FullSession).isModified()
  }

  protected override clearCookie(request: FastifyRequest, reply: FastifyReply): void {
    if (slotsOf(request)[CAME_WITH_COOKIE] !== true) return
    reply.clearCookie(this.#cookieName, ownAttributes(this.#attributes))
  }

  protected override storeOf(): PlainStore {
    return this.#store
  }

  /** A scope may have its own session plugin: @fastify/session again, or any other. */
  #isOurs(request: FastifyRequest): boolean {
    const session = slotsOf(request)[SESSION]
    if (session != null && !isOfFastifySession(session)) return false
    return request.server.decryptSession === this.#decryptSession
  }

  #decorateRequest(): void {
    const app = this.#app
    const owners = this.#owners
    app.decorateRequest('session', {
      getter(this: FastifyRequest) {
        if (slotsOf(this)[SESSION] === undefined) makeSession(app, this)
        return slotsOf(this)[SESSION] as FullSession
      },
      setter(this: FastifyRequest, session: Session | null) {
        const slots = slotsOf(this)
        slots[SESSION] = session
        if (session !== null && slots[OWNER] != null) owners.set(session, slots[OWNER].key)
      }
    })
  }

  /** Does what the hook of @fastify/session does, but stores no session that was destroyed. */
  readonly #saveSession: SaveHook = (request, reply, payload, done) => {
    const { [SESSION]: session, [OWNER]: owner } = slotsOf(request)
    // An end in another process is found below.
    if (session == null || owner?.hasEnded === true || !this.#isOurs(request)) return done()
    const { encryptedSessionId, sessionId } = session as FullSession
    const cameWithCookie = request.cookies[this.#cookieName] === encryptedSessionId
    const mayBeDestroyed = cameWithCookie && this.isToBeSaved(session)
    // The hook stores only what the app has changed, and sets the cookie of a new session.
    if (!mayBeDestroyed) return this.#save(request, reply, payload, done)
    // A login or a logout may have destroyed it since it was loaded. If so, it is not stored again,
    // and its cookie does not replace a newer one.
    this.#store.get(sessionId, (error, stored) => {
      if (stored == null) return done(error as Error | undefined)
      this.#save(request, reply, payload, done)
    })
  }
}

function isOfFastifySession(session: object): boolean {
  return typeof (session as FullSession).isModified === 'function'
}

/** The same store, which adds the key of its login to each session. */
function withOwners(store: PlainStore, owners: WeakMap<object, string>): PlainStore {
  return {
    ...store,
    set: (id, session, done) => {
      const { leAuth: _forged, ...data } = session as { leAuth?: unknown }
      const owner = owners.get(session)
      store.set(id, owner === undefined ? data : { ...data, leAuth: owner }, done)
    }
  }
}

/** For an app that wants to know how full the store in memory is. */
function showSize(shown: PlainStore, store: MemoryStore | PlainStore): void {
  if (!(store instanceof MemoryStore)) return
  Object.defineProperty(shown, 'size', { get: () => store.size })
}

/**
 * Registers @fastify/session without its hooks, which would make and hash a session on every
 * request.
 *
 * @returns its hook that saves the session and sets its cookie
 */
function registerWithoutHooks(app: FastifyInstance, options: FastifySessionOptions): SaveHook {
  const hooks = new Map<string, SaveHook>()
  const scope = Object.create(app, {
    addHook: { value: (name: string, hook: SaveHook) => hooks.set(name, hook) },
    decorate: { value: (name: string, value: unknown) => app.decorate(name, value) },
    decorateRequest: {
      value: (name: string, value: unknown) => {
        if (name !== 'session') app.decorateRequest(name, value)
      }
    }
  }) as FastifyInstance
  // @fastify/session finishes synchronously, and these options are valid.
  session(scope, options, () => {})
  return hooks.get('onSend')!
}
