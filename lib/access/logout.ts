import type { FastifyReply, FastifyRequest } from 'fastify'
import { publish } from '../diagnostics.ts'
import { logFailedRevocation, type LoginEnds, type RevocationResult } from '../logins/ends.ts'
import type { Login } from '../logins/login.ts'
import type { LoginTokens } from '../logins/login-tokens.ts'
import type { LogoutHook } from '../options/options.ts'
import type { AppSessions } from '../session/app-sessions.ts'
import type { LoginCookie } from './login-cookie.ts'
import type { LogoutMark } from './logout-mark.ts'

/** How far a logout reaches. */
export interface LogoutOptions {
  /** Also ends the user's sessions in all LivePerson applications. @default false */
  revoke?: boolean | undefined
}

/** What a logout did beyond this app. In this app, the user is logged out in any case. */
export interface LogoutResult extends RevocationResult {}

interface LogoutParts {
  ends: LoginEnds
  tokens: LoginTokens
  sessions: AppSessions
  cookie: LoginCookie
  mark: LogoutMark
  /** Where a request keeps who is logged in. */
  current: { set: (request: FastifyRequest, authentication: null) => void }
  onLogout: LogoutHook | undefined
}

/** Logs users out of this app, even if Sentinel fails, and of LivePerson if requested. */
export class Logout {
  readonly #with: LogoutParts

  constructor(parts: LogoutParts) {
    this.#with = parts
  }

  /** Ends a login, its session and, if requested, its tokens. @throws LE_AUTH_STORE_UNAVAILABLE */
  async logOut(
    request: FastifyRequest,
    reply: FastifyReply,
    login: Login,
    options: LogoutOptions
  ): Promise<LogoutResult> {
    const { cookie, current, ends, mark, onLogout } = this.#with
    const revoke = Object.hasOwn(options, 'revoke') && options.revoke === true
    const tokens = await this.#end(request, reply, login, revoke)
    cookie.clear(reply)
    mark.set(reply)
    current.set(request, null)
    const result = revoke ? await ends.revoke(login, tokens) : { revoked: null }
    report(request, login, result)
    const { accountId, user } = login.facts
    await onLogout?.({ user, accountId, ...result }, request, reply)
    return result
  }

  /** @returns the newest known tokens */
  async #end(
    request: FastifyRequest,
    reply: FastifyReply,
    login: Login,
    revoke: boolean
  ): Promise<ReturnType<LoginTokens['open']>> {
    const { ends, sessions, tokens } = this.#with
    const known = tokens.open(login)
    const [ended, left] = await Promise.allSettled([
      ends.end(login, 'logged_out', revoke),
      sessions.end(request, reply)
    ])
    const newest = (ended.status === 'fulfilled' ? ended.value : null) ?? known
    const failed = [ended, left].find(result => result.status === 'rejected')
    if (failed === undefined) return newest
    // The next attempt may find the login ended and its tokens gone, so they are revoked now.
    if (revoke) await ends.revoke(login, newest)
    throw failed.reason
  }

  /** Removes what is left of a login that is over, or whose logout failed halfway. */
  async clear(
    request: FastifyRequest,
    reply: FastifyReply,
    accountId: string,
    revoke: boolean
  ): Promise<void> {
    const { cookie, ends, mark, sessions } = this.#with
    const id = cookie.idOf(request)
    if (id === null) return mark.set(reply)
    const newest = await ends.endById(id, revoke)
    if (newest?.refreshToken !== undefined) {
      const { revocationError } = await ends.revokeToken(accountId, newest.refreshToken)
      if (revocationError !== undefined) logFailedRevocation(request.log, revocationError)
    }
    await sessions.end(request, reply)
    cookie.clear(reply)
    mark.set(reply)
  }
}

function report(
  { log }: FastifyRequest,
  { subject }: Login,
  { revoked, revocationError }: LogoutResult
): void {
  publish('fastify-le-auth:logout', { ...subject, revoked })
  const facts = { event: 'logout', ...subject, revoked }
  if (revocationError === undefined) return log.info({ leAuth: facts }, 'logged out')
  const { code, reason } = revocationError
  log.warn({ leAuth: { ...facts, code, reason } }, 'logged out here, but not at LivePerson')
}
