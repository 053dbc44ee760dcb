import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction, Session } from 'fastify'
import type { Clock } from '../clock.js'
import type { Login } from '../logins/login.js'
import { ignoringAbsence, settledStoreCall } from '../store/store-call.js'
import type { PlainStore } from '../store/session-store.js'

/** The session of a login that is being made. */
export interface NewSession {
  /** Stores what has been written to it. @throws LE_AUTH_STORE_UNAVAILABLE */
  save: () => Promise<void>
  /** Puts the session before it back on the request. */
  undo: () => void
  /** Removes what has been stored of it. @throws LE_AUTH_STORE_UNAVAILABLE */
  destroy: () => Promise<void>
  /** Removes the session before it. @throws LE_AUTH_STORE_UNAVAILABLE */
  destroyPrevious: () => Promise<void>
}

/**
 * The sessions of the app, which `@fastify/session` keeps. A session of a login carries the login's key: one that belongs to
 * another login, or to none while there is one, is replaced by an empty one when it is read.
 */
export interface AppSessions {
  /** Gives a request the session that its cookie names, if that belongs to the login. Calls back at once if the store does. */
  load: (request: FastifyRequest, login: Login | null, done: HookHandlerDoneFunction) => void
  /**
   * Gives a request a new session for a new login. The keys in `keepOnLogin` survive, unless they are another user's.
   *
   * @param before the login that the browser has had
   */
  begin: (request: FastifyRequest, login: Login, before: Login | null) => NewSession
  /** Removes the session of a request, and clears its cookie. @throws LE_AUTH_STORE_UNAVAILABLE */
  end: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
}

/** How the two ways to have sessions differ: the plugin's own registration of @fastify/session, and the app's. */
export interface SessionWay {
  /** The session of a request, if there is one without making one. */
  present: (request: FastifyRequest) => Session | null
  /** Replaces it with an empty one. */
  renew: (request: FastifyRequest, login: Login | null) => void
  /** Puts one back that was there before, with the login that it belonged to. */
  restore: (request: FastifyRequest, session: Session | null, login: Login | null) => void
  /** Whether it has to be stored for a new login. */
  isToBeSaved: (session: Session) => boolean
  clearCookie: (request: FastifyRequest, reply: FastifyReply, session: Session | null) => void
  store: (request: FastifyRequest) => PlainStore
}

/** What both ways have in common. */
export class BoundSessions {
  readonly #way: SessionWay
  readonly #keep: string[]
  readonly #clock: Clock

  constructor (way: SessionWay, keep: string[], clock: Clock) {
    this.#way = way
    this.#keep = keep
    this.#clock = clock
  }

  /** Replaces a session that is not the login's. */
  bind (request: FastifyRequest, login: Login | null): void {
    const session = this.#way.present(request)
    if (session !== null && ownerOf(session) !== (login?.key ?? null)) this.#way.renew(request, login)
  }

  begin (request: FastifyRequest, login: Login, before: Login | null): NewSession {
    const way = this.#way
    const previous = way.present(request)
    let saved: Session | null = null
    way.renew(request, login)
    if (previous !== null && (before === null || isSameUser(before, login))) this.#copyKept(previous, request)
    return {
      save: async () => {
        const session = way.present(request)
        if (session === null || !way.isToBeSaved(session)) return
        saved = session
        await settledStoreCall(this.#clock, done => (session as FastifyRequest['session']).save(done))
      },
      undo: () => way.restore(request, previous, before),
      destroy: async () => { if (saved !== null) await this.#destroy(request, saved) },
      destroyPrevious: async () => { if (previous !== null) await this.#destroy(request, previous) }
    }
  }

  async end (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const session = this.#way.present(request)
    if (session !== null) await this.#destroy(request, session)
    this.#way.clearCookie(request, reply, session)
    this.#way.renew(request, null)
  }

  /** A copy: should the login fail, what it did to a value must not be saved with the session before it. */
  #copyKept (previous: Session, request: FastifyRequest): void {
    for (const key of this.#keep) {
      const value = (previous as unknown as Record<string, unknown>)[key]
      if (Object.hasOwn(previous, key)) Object.assign(request.session, { [key]: structuredClone(value) })
    }
  }

  #destroy (request: FastifyRequest, session: Session): Promise<void> {
    const { sessionId } = session as FastifyRequest['session']
    return settledStoreCall(this.#clock, done => this.#way.store(request).destroy(sessionId, ignoringAbsence(done)))
  }
}

function isSameUser ({ facts: one }: Login, { facts: other }: Login): boolean {
  return one.accountId === other.accountId && one.user.id === other.user.id
}

/** The key of the login that a session belongs to; `null` for a visitor's. */
function ownerOf (session: Session): string | null {
  return Object.hasOwn(session, 'leAuth') && typeof session.leAuth === 'string' ? session.leAuth : null
}

/** An empty session on the request, not stored; @fastify/session makes one for a cookie that nobody signed. */
export function makeSession (app: FastifyInstance, request: FastifyRequest): void {
  app.decryptSession('', request, () => {})
}
