import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
  Session
} from 'fastify'
import type { Clock } from '../clock.ts'
import type { Login } from '../logins/login.ts'
import type { PlainStore } from '../store/session-store.ts'
import { AppSessions, makeSession } from './app-sessions.ts'
import { attributesOf } from './cookie-attributes.ts'
import { warnOfSetup } from './setup-warnings.ts'

/** `request.session` by the app's own registration of @fastify/session. */
export class ExistingPluginSessions extends AppSessions {
  readonly #app: FastifyInstance
  #hasWarned = false

  constructor(app: FastifyInstance, keep: string[], clock: Clock) {
    super(keep, clock)
    this.#app = app
  }

  override load(
    request: FastifyRequest,
    _reply: FastifyReply,
    login: Login | null,
    done: HookHandlerDoneFunction
  ): void {
    this.bind(request, login)
    done()
  }

  protected override present({ session }: FastifyRequest): Session | null {
    return isSession(session) ? session : null
  }

  protected override renew(request: FastifyRequest, login: Login | null): void {
    makeSession(this.#app, request)
    if (login !== null) request.session.leAuth = login.key
  }

  protected override restore(request: FastifyRequest, session: Session | null): void {
    if (session !== null) request.session = session as typeof request.session
  }

  /** It always holds the key of its login. */
  protected override isToBeSaved(): boolean {
    return true
  }

  protected override clearCookie(
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session | null
  ): void {
    const name = session === null ? undefined : cookieNameOf(request)
    if (session === null || name === undefined) return
    // @fastify/session tries to clear a cookie that is not the session's. It leaves out Secure, so
    // the browser keeps the cookie.
    delete request.cookies[name]
    reply.clearCookie(name, attributesOf(session.cookie))
  }

  protected override checkVisitor(request: FastifyRequest): void {
    if (this.#hasWarned || !isSession(request.session) || !request.session.isSaved()) return
    if (cookieNameOf(request) !== undefined) return
    this.#hasWarned = true
    warnOfSetup(this.#app.log, 'visitor_sessions')
  }

  protected override storeOf({ sessionStore }: FastifyRequest): PlainStore {
    return sessionStore as unknown as PlainStore
  }
}

/** @fastify/session leaves an empty object if the cookie's path does not match the request. */
function isSession(
  session: FastifyRequest['session'] | null
): session is FastifyRequest['session'] {
  return typeof session?.sessionId === 'string'
}

/** The app may have named the cookie. It contains the session's id, followed by a signature. */
function cookieNameOf({ cookies, session }: FastifyRequest): string | undefined {
  return Object.keys(cookies).find(name => cookies[name]!.includes(`${session.sessionId}.`))
}
