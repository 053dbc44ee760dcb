import session, { type FastifySessionOptions } from '@fastify/session'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction, Session } from 'fastify'
import type { Clock } from '../clock.js'
import type { Login } from '../logins/login.js'
import type { ResolvedOptions } from '../options/options.js'
import { derivedSecret } from '../store/seal.js'
import { quietStore, type PlainStore } from '../store/session-store.js'
import { MemoryStore } from '../store/memory-store.js'
import { BoundSessions, makeSession, type AppSessions, type SessionWay } from './app-sessions.js'
import { ownAttributes } from './cookie-attributes.js'
import { SessionSigner } from './session-signer.js'

type SaveHook = (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: HookHandlerDoneFunction) => void

/** Where a request keeps its session: `undefined` before somebody has asked for it. */
const SESSION = Symbol('session')
/** The login that the request's session belongs to. */
const OWNER = Symbol('owner of the session')

interface Keeper { [SESSION]: Session | null | undefined, [OWNER]: Login | null | undefined }

function keeperOf (request: FastifyRequest): Keeper {
  return request as unknown as Keeper
}

function setSession (request: FastifyRequest, session: Session | null | undefined): void {
  keeperOf(request)[SESSION] = session
}

function setOwner (request: FastifyRequest, login: Login | null): void {
  keeperOf(request)[OWNER] = login
}

/**
 * `request.session` by @fastify/session, registered by this plugin: loaded if the browser has a session cookie, else made when
 * somebody asks for it, and stored only when the app has written something.
 */
export function registerSession (app: FastifyInstance, options: ResolvedOptions, store: MemoryStore | PlainStore, clock: Clock): AppSessions {
  const { session: { cookieName: loginCookieName, cookie, absoluteLifetime }, secrets, keepOnLogin } = options
  const cookieName = `${loginCookieName}.session`
  const owners = new WeakMap<object, string>()
  const ownedStore = withOwners(quietStore(store, clock), owners)
  // For an app that wants to know how full the store in memory is.
  if (store instanceof MemoryStore) Object.defineProperty(ownedStore, 'size', { get: () => store.size })
  const save = registerWithoutHooks(app, {
    secret: new SessionSigner(secrets.map(secret => derivedSecret(secret, 'session cookie'))),
    cookieName,
    cookie: { ...cookie, path: '/', httpOnly: true, maxAge: absoluteLifetime },
    store: ownedStore as NonNullable<FastifySessionOptions['store']>,
    saveUninitialized: false,
    rolling: false
  })

  const ours = app.decryptSession
  /** A scope may have a registration of @fastify/session of its own, whose sessions are its own. */
  const isOurs = ({ server }: FastifyRequest): boolean => server.decryptSession === ours

  app.decorateRequest('session', {
    getter (this: FastifyRequest) {
      if (keeperOf(this)[SESSION] === undefined) makeSession(app, this)
      return keeperOf(this)[SESSION] as FastifyRequest['session']
    },
    setter (this: FastifyRequest, session: Session | null) {
      setSession(this, session)
      const owner = keeperOf(this)[OWNER]
      if (session !== null && owner != null) owners.set(session, owner.key)
    }
  })
  app.addHook('onSend', function saveSession (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: HookHandlerDoneFunction): void {
    const { [SESSION]: session, [OWNER]: owner } = keeperOf(request)
    if (session == null || owner?.hasEnded === true || !isOurs(request)) return done()
    const { encryptedSessionId, sessionId } = session as FastifyRequest['session']
    if (request.cookies[cookieName] !== encryptedSessionId || !way.isToBeSaved(session)) return save(request, reply, payload, done)
    // A login or a logout may have destroyed it since it was loaded: then it is not stored again, nor its cookie given to a browser
    // that has another by now.
    ownedStore.get(sessionId, (error, stored) => stored == null ? done(error as Error | undefined) : save(request, reply, payload, done))
  })

  const way: SessionWay = {
    present: request => keeperOf(request)[SESSION] ?? null,
    renew: (request, login) => {
      setOwner(request, login)
      setSession(request, undefined)
      // @fastify/session would clear a cookie that is not the session's, and by then the browser may have another one.
      delete request.cookies[cookieName]
    },
    restore: (request, session, login) => {
      setOwner(request, login)
      setSession(request, session ?? undefined)
    },
    isToBeSaved: session => (session as FastifyRequest['session']).isModified(),
    clearCookie: (_request, reply) => { reply.clearCookie(cookieName, ownAttributes(cookie)) },
    store: () => ownedStore
  }
  const sessions = new BoundSessions(way, keepOnLogin, clock)
  return {
    load (request, login, done) {
      if (login !== null) setOwner(request, login)
      if (!Object.hasOwn(request.cookies, cookieName) || !isOurs(request)) return done()
      app.decryptSession(request.cookies[cookieName]!, request, error => {
        if (error == null) sessions.bind(request, login)
        done(error as Error | undefined)
      })
    },
    begin: (...args) => sessions.begin(...args),
    end: async (request, reply) => { if (isOurs(request)) await sessions.end(request, reply) }
  }
}

/** The same store, which adds to each session the login that it belongs to. */
function withOwners (store: PlainStore, owners: WeakMap<object, string>): PlainStore {
  return {
    ...store,
    set: (id, session, done) => {
      const { leAuth: _forged, ...data } = session as { leAuth?: unknown }
      const owner = owners.get(session)
      store.set(id, owner === undefined ? data : { ...data, leAuth: owner }, done)
    }
  }
}

/**
 * Registers @fastify/session without its hooks, which would make and hash a session for every request.
 *
 * @returns its hook that saves the session and sets its cookie
 */
function registerWithoutHooks (app: FastifyInstance, options: FastifySessionOptions): SaveHook {
  const hooks = new Map<string, SaveHook>()
  const scope = Object.create(app, {
    addHook: { value: (name: string, hook: SaveHook) => hooks.set(name, hook) },
    decorate: { value: (name: string, value: unknown) => app.decorate(name, value) },
    decorateRequest: { value: (name: string, value: unknown) => name === 'session' || app.decorateRequest(name, value) }
  }) as FastifyInstance
  // Its options are right, and it is through at once.
  session(scope, options, () => {})
  return hooks.get('onSend')!
}
