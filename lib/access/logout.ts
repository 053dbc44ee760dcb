import type { FastifyReply, FastifyRequest } from 'fastify'
import { publish } from '../diagnostics.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { Login } from '../logins/login.js'
import type { Logins } from '../logins/logins.js'
import type { LeAuthOptions } from '../options/options.js'
import type { TokenSet } from '../sentinel/token-set.js'
import type { AppSessions } from '../session/app-sessions.js'
import { whoseOf } from '../tokens/refresh-log.js'
import type { CurrentAuthentication } from './current.js'
import type { LoginCookie } from './login-cookie.js'

/** How far a logout reaches. */
export interface LogoutOptions {
  /** Also ends the user's sessions in all LivePerson applications, everywhere. @default false */
  revoke?: boolean | undefined
}

/** What a logout did beyond this app. The user is logged out here in any case. */
export interface LogoutResult {
  /** Whether Sentinel confirmed the revocation; `null` when it was not asked for. */
  revoked: boolean | null
  /** Why `revoked` is false. */
  revocationError?: LeAuthError
}

export type Logout = (request: FastifyRequest, reply: FastifyReply, login: Login, options: LogoutOptions) => Promise<LogoutResult>

interface LogoutParts {
  logins: Logins
  sessions: AppSessions
  cookie: LoginCookie
  current: CurrentAuthentication
  /** @throws LE_AUTH_REVOCATION_FAILED */
  revoke: (accountId: string, refreshToken: string) => Promise<void>
  onLogout?: LeAuthOptions['onLogout']
}

/** Ends a login: here first, whatever Sentinel answers, and there only if that is asked for. */
export function createLogout ({ logins, sessions, cookie, current, revoke, onLogout }: LogoutParts): Logout {
  return async function logout (request, reply, login, options) {
    const revocationAsked = Object.hasOwn(options, 'revoke') && options.revoke === true
    const known = logins.openTokens(login)
    const [ended, left] = await Promise.allSettled([logins.end(login, 'logged_out', revocationAsked), sessions.end(request, reply)])
    const newest = ended.status === 'fulfilled' ? ended.value : null
    const failed = [ended, left].find(result => result.status === 'rejected')
    if (failed !== undefined) {
      // The next attempt may find this login ended, and its tokens gone: they are revoked now or never.
      if (revocationAsked) await revocation(login, newest ?? known)
      throw failed.reason
    }
    cookie.clear(reply)
    current.set(request, null)
    const result = revocationAsked ? await revocation(login, newest ?? known) : { revoked: null }
    tell(request, login, result)
    const { accountId, user } = login.facts
    await onLogout?.({ user, accountId, ...result }, request, reply)
    return result
  }

  async function revocation ({ facts, refreshMemory }: Login, tokens: TokenSet | null): Promise<LogoutResult> {
    // Another process may have gone on from tokens that are still being stored here, so either may be the newest.
    const refreshTokens = new Set([refreshMemory.unsaved?.refreshToken, tokens?.refreshToken].filter(token => token !== undefined))
    if (refreshTokens.size === 0) return { revoked: false, revocationError: leAuthError('LE_AUTH_REVOCATION_FAILED', { reason: 'no_refresh_token' }) }
    try {
      await Promise.all([...refreshTokens].map(token => revoke(facts.accountId, token)))
      return { revoked: true }
    } catch (error) {
      return { revoked: false, revocationError: error as LeAuthError }
    }
  }
}

function tell (request: FastifyRequest, login: Login, { revoked, revocationError }: LogoutResult): void {
  const who = whoseOf(login)
  publish('fastify-le-auth:logout', { ...who, revoked })
  const facts = { event: 'logout', ...who, revoked }
  if (revocationError === undefined) request.log.info({ leAuth: facts }, 'logged out')
  else request.log.warn({ leAuth: { ...facts, code: revocationError.code, reason: revocationError.reason } }, 'logged out here, but not at LivePerson')
}
