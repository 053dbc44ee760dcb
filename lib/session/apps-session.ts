import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.js'
import type { PlainStore } from '../store/session-store.js'
import { BoundSessions, makeSession, type AppSessions, type SessionWay } from './app-sessions.js'
import { sameAttributes } from './cookie-attributes.js'

/** `request.session` by the app's own registration of @fastify/session. */
export function useAppSession (app: FastifyInstance, keepOnLogin: string[], clock: Clock): AppSessions {
  const way: SessionWay = {
    present: ({ session }) => isSession(session) ? session : null,
    renew: (request, login) => {
      makeSession(app, request)
      if (login !== null) request.session.leAuth = login.key
    },
    restore: (request, session) => { if (session !== null) request.session = session as typeof request.session },
    // It carries the login's key already.
    isToBeSaved: () => true,
    clearCookie: (request, reply, session) => {
      const name = session === null ? undefined : cookieNameOf(request)
      if (session === null || name === undefined) return
      // @fastify/session clears a cookie that is not the session's, but without Secure, and so in vain.
      delete request.cookies[name]
      reply.clearCookie(name, sameAttributes(session.cookie))
    },
    store: ({ sessionStore }) => sessionStore as unknown as PlainStore
  }
  const sessions = new BoundSessions(way, keepOnLogin, clock)
  return {
    load (request, login, done) {
      sessions.bind(request, login)
      done()
    },
    begin: (...args) => sessions.begin(...args),
    end: (...args) => sessions.end(...args)
  }
}

/** @fastify/session leaves an empty object if the request line or the cookie's path keeps it from looking at the cookie. */
function isSession (session: FastifyRequest['session'] | null): session is FastifyRequest['session'] {
  return typeof session?.sessionId === 'string'
}

/** Which cookie has brought the session: the app may have named it, and its id stands before the signature. */
function cookieNameOf ({ cookies, session }: FastifyRequest): string | undefined {
  return Object.keys(cookies).find(name => cookies[name]!.includes(`${session.sessionId}.`))
}
