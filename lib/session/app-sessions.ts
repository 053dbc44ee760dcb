import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
  Session
} from 'fastify'
import type { Clock } from '../clock.ts'
import { leAuthError, type LeAuthError } from '../errors.ts'
import type { Login } from '../logins/login.ts'
import type { PlainStore } from '../store/session-store.ts'
import { ignoringAbsence, storePromise } from '../store/store-call.ts'
import { copyForLogin } from './kept-data.ts'

type FullSession = FastifyRequest['session']

const REPEATED =
  'The idGenerator of @fastify/session has returned the id of the session before the login ' +
  'again. An attacker that knows this id would share the session of the user. Make each id ' +
  'random, or leave idGenerator out.'

/** What to do if a session cannot be loaded. One function for all requests, so it takes all. */
export type LoadFailure = (
  error: LeAuthError,
  request: FastifyRequest,
  reply: FastifyReply,
  done: HookHandlerDoneFunction
) => void

/** The session of a login that is being made. */
export interface NewSession {
  /** Stores what was written to it. @throws LE_AUTH_STORE_UNAVAILABLE */
  save: () => Promise<void>
  /** Puts the session before it back on the request. */
  undo: () => void
  /** Removes what was stored of it. @throws LE_AUTH_STORE_UNAVAILABLE */
  destroy: () => Promise<void>
  /** Removes the session before it. @throws LE_AUTH_STORE_UNAVAILABLE */
  destroyPrevious: () => Promise<void>
}

/**
 * The sessions of the app, which @fastify/session keeps. Each session holds the key of its login.
 * If the session belongs to another login than the request's, or to none while the request has a
 * login, an empty session replaces it.
 *
 * There are two kinds: the plugin's own registration of @fastify/session, and the app's.
 */
export abstract class AppSessions {
  readonly #keep: string[]
  readonly #clock: Clock

  /** @param keep session keys that survive a login */
  constructor(keep: string[], clock: Clock) {
    this.#keep = keep
    this.#clock = clock
  }

  /**
   * Gives a request the session of its cookie, if that belongs to the login. Calls back at once if
   * the store does.
   */
  abstract load(
    request: FastifyRequest,
    reply: FastifyReply,
    login: Login | null,
    done: HookHandlerDoneFunction,
    fail: LoadFailure
  ): void

  /** The session of a request, if there is one already. */
  protected abstract present(request: FastifyRequest): Session | null
  /** Replaces it with an empty one. */
  protected abstract renew(request: FastifyRequest, login: Login | null): void
  /** Puts a previous one back, with the login that it belonged to. */
  protected abstract restore(
    request: FastifyRequest,
    session: Session | null,
    login: Login | null
  ): void

  /** Whether it has to be stored for a new login. */
  protected abstract isToBeSaved(session: Session): boolean
  protected abstract clearCookie(
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session | null
  ): void

  protected abstract storeOf(request: FastifyRequest): PlainStore

  /**
   * Gives a request a new session for a new login. The keys in `keep` survive, unless they are
   * another user's.
   *
   * @param before the login that the browser had
   * @throws LE_AUTH_SETUP_INVALID; then the request has the session before it again
   */
  begin(request: FastifyRequest, login: Login, before: Login | null): NewSession {
    const previous = this.present(request)
    let saved: Session | null = null
    const keeps = before === null || isSameUser(before, login)
    const kept = previous !== null && keeps ? copyForLogin(previous, this.#keep) : {}
    this.renew(request, login)
    if (previous !== null && hasSameId(previous, this.present(request))) {
      this.restore(request, previous, before)
      throw leAuthError('LE_AUTH_SETUP_INVALID', { reason: 'session_id_repeated', hint: REPEATED })
    }
    if (Object.keys(kept).length > 0) Object.assign(request.session, kept)
    return {
      save: async () => {
        // Noted before it is stored: a store that fails may have stored it all the same.
        saved = this.#toBeSaved(request)
        if (saved !== null) await this.#save(saved)
      },
      undo: () => this.restore(request, previous, before),
      destroy: () => this.#destroy(request, saved),
      destroyPrevious: () => this.#destroy(request, previous)
    }
  }

  /** The onSend hook of /login: sees what the response to a visitor has stored. */
  readonly noticeVisitor = (
    request: FastifyRequest,
    _reply: FastifyReply,
    _payload: unknown,
    done: HookHandlerDoneFunction
  ): void => {
    this.checkVisitor(request)
    done()
  }

  /** Warns if a session was stored for a visitor. */
  protected checkVisitor(_request: FastifyRequest): void {}

  /** Removes the session of a request, and clears its cookie. @throws LE_AUTH_STORE_UNAVAILABLE */
  async end(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const session = this.present(request)
    await this.#destroy(request, session)
    this.clearCookie(request, reply, session)
    this.renew(request, null)
  }

  /** Replaces a session that is not the login's. */
  protected bind(request: FastifyRequest, login: Login | null): void {
    const session = this.present(request)
    if (session === null || ownerOf(session) === (login?.key ?? null)) return
    this.renew(request, login)
  }

  #toBeSaved(request: FastifyRequest): Session | null {
    const session = this.present(request)
    return session !== null && this.isToBeSaved(session) ? session : null
  }

  #save(session: Session): Promise<void> {
    return storePromise(this.#clock, done => (session as FullSession).save(done))
  }

  async #destroy(request: FastifyRequest, session: Session | null): Promise<void> {
    if (session === null) return
    const { sessionId } = session as FullSession
    const store = this.storeOf(request)
    await storePromise(this.#clock, done => store.destroy(sessionId, ignoringAbsence(done)))
  }
}

function isSameUser({ facts: one }: Login, { facts: other }: Login): boolean {
  return one.accountId === other.accountId && one.user.id === other.user.id
}

/** RFC 6265 §8.4: a session that somebody knew before the login must not be the user's. */
function hasSameId(previous: Session, present: Session | null): boolean {
  return (previous as FullSession).sessionId === (present as FullSession | null)?.sessionId
}

/** The key of the login that a session belongs to; `null` for a visitor's. */
function ownerOf(session: Session): string | null {
  const isOwned = Object.hasOwn(session, 'leAuth') && typeof session.leAuth === 'string'
  return isOwned ? session.leAuth! : null
}

/** An empty session on the request. @fastify/session makes one for a cookie that nobody signed. */
export function makeSession(app: FastifyInstance, request: FastifyRequest): void {
  app.decryptSession('', request, () => {})
}
