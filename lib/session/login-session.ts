import type { FastifyInstance, FastifyReply, FastifyRequest, Session } from 'fastify'
import { leAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options.js'
import type { User } from '../sentinel/claims.js'
import type { EndedTokenSet } from '../tokens/ended-token-sets.js'
import { removeRecord, settled } from '../tokens/record-store.js'
import type { TokenSet } from '../tokens/token-set.js'
import type { TokenSetRecord, TokenSetStore } from '../tokens/token-set-store.js'
import { freshSession, type SessionSetup } from './setup.js'

/** What the session holds of a login: small, and no token. */
export interface SessionLogin {
  user: User
  /** The account and the client that the login is for: it opens nothing where another one is registered. */
  accountId: string
  clientId: string
  /** In ms since 1970. */
  loggedInAt: number
  /** The last request that was noted, in ms since 1970. */
  activeAt: number
  tokenSetId: string
}

type BeforeSave = (keepPrevious: () => void) => Promise<void>

/** Begins and ends the sessions of logins, all of it or nothing. */
export interface LoginSessions {
  /**
   * A new session with a new id for a login; the session before it and its token set are destroyed. When that fails,
   * nobody is logged in by it.
   *
   * @param beforeSave runs with the new session on the request; when it throws, everything is as before. What it is given puts the
   * session before it back, for an answer that is given meanwhile
   * @returns the id of its token set
   * @throws LE_AUTH_SESSION_UNREACHABLE, LE_AUTH_STORE_UNAVAILABLE, and what `beforeSave` throws
   */
  begin: (request: FastifyRequest, accountId: string, user: User, tokens: TokenSet, beforeSave: BeforeSave) => Promise<string>
  /**
   * Ends a login: removes its token set, and its session where the request still has that, and takes the cookie back.
   *
   * @param login where it is not given, what the session holds of one: also one that is over, or whose logout failed half-way
   * @returns the last record of the token set, where its tokens are to be revoked
   * @throws LE_AUTH_STORE_UNAVAILABLE
   */
  end: (request: FastifyRequest, reply: FastifyReply, login?: SessionLogin, end?: EndedTokenSet) => Promise<TokenSetRecord | null>
  /**
   * Removes the session of a login that has ended, so that nothing of this request saves it again. The cookie stays, which opens
   * nothing: by now the browser may have that of another login. @throws LE_AUTH_STORE_UNAVAILABLE
   */
  forget: (request: FastifyRequest) => Promise<void>
  /** The login that the request's session holds: for this account and client, whole, and neither idle nor alive for too long. */
  find: (request: FastifyRequest) => SessionLogin | null
  /** Notes that the user is active, every few minutes at the most: each note costs a write to the store. */
  noteActivity: (request: FastifyRequest, login: SessionLogin) => void
}

/** How often activity is noted, in ms; sooner where the idle lifetime is short. */
const NOTED_EVERY = 5 * 60 * 1000

export function createLoginSessions (app: FastifyInstance, options: ResolvedOptions, setup: SessionSetup, tokenSets: TokenSetStore): LoginSessions {
  const { idleLifetime, absoluteLifetime } = options.session
  const notedEvery = Math.min(NOTED_EVERY, idleLifetime / 10)

  return {
    async begin (request, accountId, user, tokens, beforeSave) {
      const now = options.now()
      const tokenSetId = await tokenSets.create(request.sessionStore, tokens, now + absoluteLifetime)
      const login: SessionLogin = { user, accountId, clientId: options.clientId, loggedInAt: now, activeAt: now, tokenSetId }
      try {
        await replaceSession(request, login, beforeSave)
        return tokenSetId
      } catch (error) {
        // The first error is the one to tell.
        await tokenSets.end(request.sessionStore, tokenSetId).catch(() => {})
        throw error
      }
    },

    async end (request, reply, login = request.session?.leAuth, end) {
      const last = await remove(request, login, end)
      // The app may have given the request another session meanwhile, or none.
      if (login && holds(request, login)) setup.leaveSession(request, reply)
      return last
    },

    async forget (request) {
      const { session } = request
      // The app may have given the request another session meanwhile, or none.
      if (!session?.leAuth) return
      // Before the store is asked, which may fail.
      setup.dropSession(request)
      await setup.removeSession(request.sessionStore, session.sessionId)
    },

    find (request) {
      const login = request.session?.leAuth
      if (!isWhole(login) || login.accountId !== options.accountId || login.clientId !== options.clientId) return null
      return options.now() < Math.min(login.loggedInAt + absoluteLifetime, login.activeAt + idleLifetime) ? login : null
    },

    noteActivity (request, login) {
      const now = options.now()
      if (now - login.activeAt >= notedEvery) request.session.leAuth = { ...login, activeAt: now }
    }
  }

  async function remove (request: FastifyRequest, login: SessionLogin | undefined, end?: EndedTokenSet): Promise<TokenSetRecord | null> {
    const last = isWhole(login) ? await tokenSets.end(request.sessionStore, login.tokenSetId, end) : null
    if (login && holds(request, login)) await setup.removeSession(request.sessionStore, request.session.sessionId)
    return last
  }

  async function replaceSession (request: FastifyRequest, login: SessionLogin, beforeSave: BeforeSave): Promise<void> {
    const previous = request.session
    let isWaiting = true
    freshSession(app, request)
    const fresh = request.session
    try {
      if (belongsTo(previous, login)) copyKept(previous, fresh)
      fresh.leAuth = login
      await beforeSave(() => { if (isWaiting) request.session = previous })
      isWaiting = false
      // The app may have logged out, or begun another session: then nobody would know of this one.
      if (request.session !== fresh || fresh.leAuth !== login) throw leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { reason: 'session_replaced' })
      await settled(done => fresh.save(done))
      await destroyPrevious(request, previous)
    } catch (error) {
      request.session = previous
      await removeRecord(request.sessionStore, fresh.sessionId).catch(() => {})
      throw error
    }
  }

  function copyKept (previous: Session, fresh: Session): void {
    for (const key of options.keepOnLogin) {
      // A copy: should the login fail, what it did to the value must not be saved with the session before it.
      if (Object.hasOwn(previous, key)) Object.assign(fresh, { [key]: structuredClone(previous[key]) })
    }
  }

  async function destroyPrevious (request: FastifyRequest, previous: FastifyRequest['session']): Promise<void> {
    // In this order: a late save of that session looks whether its login has ended.
    if (isWhole(previous.leAuth)) await tokenSets.end(request.sessionStore, previous.leAuth.tokenSetId)
    await setup.removeSession(request.sessionStore, previous.sessionId)
  }
}

/** Whether the request's session is that of a login, or what is left of it. */
function holds ({ session }: FastifyRequest, { tokenSetId }: SessionLogin): boolean {
  return Boolean(session?.leAuth) && session.leAuth!.tokenSetId === tokenSetId
}

/** Whether a session is a visitor's or the same user's: what another user has left in this browser is not for this one. */
function belongsTo ({ leAuth }: Session, { accountId, user }: SessionLogin): boolean {
  return !leAuth || (leAuth.accountId === accountId && leAuth.user?.id === user.id)
}

/** A store may lose part of what it was given; half a login is none. */
function isWhole (login: Partial<SessionLogin> | null | undefined): login is SessionLogin {
  return typeof login?.user?.id === 'string' && typeof login.tokenSetId === 'string' &&
    Number.isFinite(login.loggedInAt) && Number.isFinite(login.activeAt)
}

/**
 * The request's session. @fastify/session leaves none where the request line or the cookie's path keeps it from
 * looking at the cookie.
 *
 * @throws LE_AUTH_SESSION_UNREACHABLE
 */
export function assertSession (request: FastifyRequest): void {
  if (typeof request.session?.sessionId !== 'string') throw leAuthError('LE_AUTH_SESSION_UNREACHABLE')
}
