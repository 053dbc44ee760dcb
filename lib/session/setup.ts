import cookie from '@fastify/cookie'
import session, { type FastifySessionObject } from '@fastify/session'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { leAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options.js'
import { derivedSecret } from '../tokens/seal.js'
import { MemoryStore } from './memory-store.js'
import { foreignSessionPlugins } from './plugin-tree.js'

/** What the rest of the plugin has to know of the session plugin in use. */
export interface SessionSetup {
  /** The session cookie is for https only, so that a request that arrives as http gets none. */
  secureCookie: boolean
  /** Leaves the request with no session, or an empty one, and takes the cookie back. The stored session is already gone. */
  leaveSession: (request: FastifyRequest, reply: FastifyReply) => void
}

/**
 * Uses the app's own cookie and session plugins where it has registered them, and registers them itself where not.
 *
 * @throws LE_AUTH_SETUP_INVALID where what is there cannot carry a login
 */
export async function setUpSession (app: FastifyInstance, options: ResolvedOptions): Promise<SessionSetup> {
  if (!app.hasRequestDecorator('cookies')) await app.register(cookie)
  if (app.hasRequestDecorator('session')) return useAppSession(app, options)
  return registerSession(app, options)
}

async function registerSession (app: FastifyInstance, { session: settings, secrets, now }: ResolvedOptions): Promise<SessionSetup> {
  const attributes = { ...settings.cookie, path: '/', httpOnly: true }
  await app.register(session, {
    secret: secrets.map(secret => derivedSecret(secret, 'session cookie')),
    cookieName: settings.cookieName,
    cookie: { ...attributes, maxAge: settings.idleLifetime },
    store: settings.store ?? ownStore(app, settings.maxSessions, now),
    saveUninitialized: false,
    rolling: false
  })
  app.addHook('onReady', async () => refuseOtherScopes(app))
  return {
    secureCookie: attributes.secure,
    leaveSession (request, reply) {
      request.session = null as unknown as FastifySessionObject
      reply.clearCookie(settings.cookieName, attributes)
    }
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
  const probe = { protocol: new URL(options.origin).protocol.slice(0, -1) } as FastifyRequest
  freshSession(app, probe)
  const attributes = probe.session.cookie
  const problem = cookieProblem(attributes, options)
  if (problem !== null) throw leAuthError('LE_AUTH_SETUP_INVALID', { detail: problem })
  return {
    secureCookie: attributes.secure === true,
    leaveSession: request => freshSession(app, request)
  }
}

function cookieProblem (attributes: FastifySessionObject['cookie'], { routes, publicPrefix, origin }: ResolvedOptions): string | null {
  const path = attributes.path ?? '/'
  if (String(attributes.sameSite).toLowerCase() === 'strict' || attributes.sameSite === true) {
    return 'the session cookie is SameSite=Strict, so browsers do not send it when LivePerson sends the user back. Set cookie.sameSite to "lax" in the options of @fastify/session.'
  }
  if (attributes.secure === true && origin.startsWith('http:')) {
    return 'the session cookie is Secure, but redirectUri is http, so browsers would never keep it. Set cookie.secure to "auto" in the options of @fastify/session.'
  }
  const outside = [routes.login, routes.callback, routes.logout].find(route => !isBelow(route, path) && !isBelow(publicPrefix + route, path))
  if (outside !== undefined) return `the session cookie has the path ${path}, which leaves out ${outside}. Set cookie.path to "/" in the options of @fastify/session.`
  return null
}

function isBelow (route: string, path: string): boolean {
  return route === path || route.startsWith(path.endsWith('/') ? path : `${path}/`)
}

/** An empty session on the request, not stored; @fastify/session makes one for a cookie that nobody signed. */
export function freshSession (app: FastifyInstance, request: FastifyRequest): void {
  app.decryptSession('', request, () => {})
}
