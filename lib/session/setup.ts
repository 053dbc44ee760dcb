import { Stream } from 'node:stream'
import cookie from '@fastify/cookie'
import session, { type FastifySessionObject, type SessionStore } from '@fastify/session'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { leAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options.js'
import { derivedSecret } from '../tokens/seal.js'
import { quietStore, removeRecord } from '../tokens/record-store.js'
import type { TokenSetStore } from '../tokens/token-set-store.js'
import { sameAttributes } from './cookie-attributes.js'
import { MemoryStore } from './memory-store.js'
import { foreignSessionPlugins } from './plugin-tree.js'
import { createRemovedSessions, type RemovedSessions } from './removed-sessions.js'

/** What the rest of the plugin has to know of the session plugin in use. */
export interface SessionSetup {
  /** The session cookie is for https only, so that a request that arrives as http gets none. */
  secureCookie: boolean
  /** Leaves the request with an empty session, and takes the cookie back. The stored session is already gone. */
  leaveSession: (request: FastifyRequest, reply: FastifyReply) => void
  /** Leaves the request with an empty session, and the browser with its cookie. */
  dropSession: (request: FastifyRequest) => void
  /** Removes a stored session, so that no request that is under way with it saves it again. @throws LE_AUTH_STORE_UNAVAILABLE */
  removeSession: RemovedSessions['remove']
}

/** Whether the session store is more than this process's memory; of the app's own nothing is known. */
export function isSharedStore (app: FastifyInstance, options: ResolvedOptions): boolean {
  return hasOwnSession(app) || options.session.store !== undefined
}

/**
 * Uses the app's own cookie and session plugins where it has registered them, and registers them itself where not.
 *
 * @throws LE_AUTH_SETUP_INVALID where what is there cannot carry a login
 */
export async function setUpSession (app: FastifyInstance, options: ResolvedOptions, tokenSets: TokenSetStore): Promise<SessionSetup> {
  if (!app.hasRequestDecorator('cookies')) await app.register(cookie)
  if (hasOwnSession(app)) return useAppSession(app, options)
  return registerSession(app, options, tokenSets)
}

function hasOwnSession (app: FastifyInstance): boolean {
  return app.hasRequestDecorator('session')
}

async function registerSession (app: FastifyInstance, { session: settings, secrets, now }: ResolvedOptions, tokenSets: TokenSetStore): Promise<SessionSetup> {
  const { cookieName } = settings
  const leaving = sessionLeaving(app)
  const removedSessions = createRemovedSessions()
  // Before @fastify/session, whose hook saves the session.
  app.addHook('onSend', dropEnded(leaving.dropSession, removedSessions, tokenSets))
  await app.register(session, {
    secret: secrets.map(secret => derivedSecret(secret, 'session cookie')),
    cookieName,
    cookie: { ...settings.cookie, path: '/', httpOnly: true, maxAge: settings.idleLifetime },
    store: settings.store === undefined ? ownStore(app, settings.maxSessions, now) : quietStore(settings.store) as SessionStore,
    saveUninitialized: false,
    rolling: false
  })
  app.addHook('onRequest', removeSavedAgain(leaving.dropSession, removedSessions))
  if (secrets.length > 1) app.addHook('onRequest', keepRotatedCookie(cookieName))
  app.addHook('onReady', async () => refuseOtherScopes(app))
  return {
    secureCookie: settings.cookie.secure,
    removeSession: removedSessions.remove,
    ...leaving
  }
}

/**
 * @fastify/session opens a cookie that an older secret has signed, and takes it back with the answer, for it is not what
 * the newest secret would have signed. To it, the cookie shall look as if it were.
 */
function keepRotatedCookie (cookieName: string) {
  return function onRequest ({ cookies, session }: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void {
    if (cookies[cookieName]?.startsWith(`${session.sessionId}.`) === true) cookies[cookieName] = session.encryptedSessionId
    done()
  }
}

/**
 * A request that was under way when its session was removed must not save it again, nor give its cookie to a browser that has another
 * by now. Where it is just being removed, the store may fail at that, and what the app has written is to be kept.
 */
function dropEnded (dropSession: SessionSetup['dropSession'], removedSessions: RemovedSessions, tokenSets: TokenSetStore) {
  function isOver ({ leAuth, session }: FastifyRequest): boolean {
    if (typeof session?.sessionId !== 'string') return false
    if (removedSessions.has(session.sessionId)) return true
    // What the app keeps in the session of a visitor is its own, whoever was logged in there before.
    if (!leAuth) return false
    const tokenSetId = session.leAuth?.tokenSetId
    return typeof tokenSetId === 'string' && tokenSets.hasEnded(tokenSetId)
  }

  function dropIfOver (request: FastifyRequest, done: HookHandlerDoneFunction): void {
    if (isOver(request)) dropSession(request)
    done()
  }

  return function onSend (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: HookHandlerDoneFunction): void {
    const removal = removedSessions.removal(request.session?.sessionId)
    if (removal === null) return dropIfOver(request, done)
    // Fastify listens after this hook only, and then hears of an error that came before: until then nobody would, and the process would end.
    if (payload instanceof Stream) payload.on('error', () => {})
    // By then there may be another one.
    removal.then(() => onSend(request, reply, payload, done))
  }
}

/** What a handler or another process has saved again is no session here, and nothing that the store should keep. */
function removeSavedAgain (dropSession: SessionSetup['dropSession'], removedSessions: RemovedSessions) {
  return function onRequest (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const { session: { sessionId }, sessionStore } = request
    if (!removedSessions.has(sessionId)) return done()
    dropSession(request)
    removedSessions.remove(sessionStore, sessionId).then(() => done(), done)
  }
}

function ownStore (app: FastifyInstance, maxSessions: number, now: () => number): MemoryStore {
  const store = new MemoryStore(maxSessions, now)
  app.addHook('onClose', async () => store.close())
  return store
}

function refuseOtherScopes (app: FastifyInstance): void {
  if (foreignSessionPlugins(app.printPlugins()) === 0) return
  throw leAuthError('LE_AUTH_SETUP_INVALID', {
    detail: '@fastify/session is registered in a scope that fastify-le-auth does not see. Register it in the same scope, before fastify-le-auth, or leave it out.'
  })
}

/** Looks at the attributes of the app's session cookie before anybody logs in: what cannot work is told at start-up. */
function useAppSession (app: FastifyInstance, options: ResolvedOptions): SessionSetup {
  if (!app.hasDecorator('decryptSession')) {
    throw leAuthError('LE_AUTH_SETUP_INVALID', { detail: 'request.session belongs to another plugin than @fastify/session. Register fastify-le-auth in a scope without it, or use @fastify/session.' })
  }
  if (options.session.store !== undefined) {
    throw leAuthError('LE_AUTH_SETUP_INVALID', { detail: 'session.store has no effect, for this app has registered @fastify/session itself. Give the store to that plugin, or leave the plugin to fastify-le-auth.' })
  }
  const attributes = appCookieAttributes(app, options.origin)
  const problem = cookieProblem(attributes, options)
  if (problem !== null) throw leAuthError('LE_AUTH_SETUP_INVALID', { detail: problem })
  return {
    secureCookie: attributes.secure === true,
    removeSession: removeRecord,
    ...sessionLeaving(app)
  }
}

/** The attributes that a new session's cookie would get, seen on a request that never was. */
function appCookieAttributes (app: FastifyInstance, origin: string): Partial<FastifySessionObject['cookie']> {
  const request = { protocol: new URL(origin).protocol.slice(0, -1), headers: {}, cookies: {}, session: {} } as unknown as FastifyRequest
  try {
    freshSession(app, request)
    return request.session.cookie
  } catch {
    // An idGenerator of the app's may need a real request. What cannot be seen is not refused.
    return {}
  }
}

function cookieProblem (attributes: Partial<FastifySessionObject['cookie']>, { routes, publicPrefix, origin }: ResolvedOptions): string | null {
  const path = attributes.path ?? '/'
  if (String(attributes.sameSite).toLowerCase() === 'strict' || attributes.sameSite === true) {
    return 'the session cookie is SameSite=Strict, so browsers do not send it when LivePerson sends the user back. Set cookie.sameSite to "lax" in the options of @fastify/session.'
  }
  if (attributes.secure === true && origin.startsWith('http:')) {
    return 'the session cookie is Secure, but redirectUri is http, so browsers would never keep it. Set cookie.secure to "auto" in the options of @fastify/session.'
  }
  const outside = [routes.login, routes.callback, routes.logout].find(route => !isBelow(route, path) || !isBelow(publicPrefix + route, path))
  if (outside !== undefined) return `the session cookie has the path ${path}, which leaves out ${outside}. Set cookie.path to "/" in the options of @fastify/session.`
  return null
}

function isBelow (route: string, path: string): boolean {
  return route === path || route.startsWith(path.endsWith('/') ? path : `${path}/`)
}

function sessionLeaving (app: FastifyInstance): Pick<SessionSetup, 'leaveSession' | 'dropSession'> {
  function drop (request: FastifyRequest): string | undefined {
    const name = cookieNameOf(request)
    freshSession(app, request)
    // @fastify/session takes back a cookie that is not the session's, but without Secure, and so in vain.
    if (name !== undefined) delete request.cookies[name]
    return name
  }
  return {
    leaveSession (request, reply) {
      const { cookie } = request.session
      const name = drop(request)
      if (name !== undefined) reply.clearCookie(name, sameAttributes(cookie))
    },
    dropSession (request) { drop(request) }
  }
}

/** Which cookie has brought the session: the app may have named it, and its id stands before the signature. */
function cookieNameOf ({ cookies, session }: FastifyRequest): string | undefined {
  return Object.keys(cookies).find(name => cookies[name]!.includes(`${session.sessionId}.`))
}

/** An empty session on the request, not stored; @fastify/session makes one for a cookie that nobody signed. */
export function freshSession (app: FastifyInstance, request: FastifyRequest): void {
  app.decryptSession('', request, () => {})
}
