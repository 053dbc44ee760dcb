import type { FastifyReply, FastifyRequest } from 'fastify'
import { publish } from '../diagnostics.js'
import { leAuthError, type LeAuthError } from '../errors.js'
import type { ResolvedOptions } from '../options.js'
import type { LoginSessions, SessionLogin } from '../session/login-session.js'
import type { TokenSet } from '../tokens/token-set.js'
import type { TokenSetRecord, TokenSetStore } from '../tokens/token-set-store.js'

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

export type Logout = (request: FastifyRequest, reply: FastifyReply, login: SessionLogin, record: TokenSetRecord, options: LogoutOptions) => Promise<LogoutResult>

interface LogoutParts {
  options: ResolvedOptions
  sessions: LoginSessions
  tokenSets: TokenSetStore
  /** The tokens that Sentinel has given for those of a record, and that the store did not take. */
  unsavedTokens: (record: TokenSetRecord) => TokenSet | undefined
  /** @throws LE_AUTH_REVOCATION_FAILED */
  revoke: (accountId: string, refreshToken: string) => Promise<void>
}

/** Ends a login: here first, whatever Sentinel answers, and there only when asked. */
export function createLogout ({ options, sessions, tokenSets, unsavedTokens, revoke }: LogoutParts): Logout {
  return async function logout (request, reply, login, record, { revoke: revocationAsked = false }) {
    let last: TokenSetRecord | null
    try {
      last = await sessions.end(request, reply, login, { revoke: revocationAsked })
    } catch (error) {
      // The next attempt may find this login ended, and its tokens gone: they are revoked now or never.
      if (revocationAsked) await revocation(login, record)
      throw error
    }
    request.leAuth = null
    const result = revocationAsked ? await revocation(login, last ?? record) : { revoked: null }
    tell(request, login, result)
    await options.onLogout?.({ user: login.user, accountId: login.accountId, ...result }, request, reply)
    return result
  }

  async function revocation ({ accountId, tokenSetId }: SessionLogin, record: TokenSetRecord): Promise<LogoutResult> {
    const tokens = unsavedTokens(record) ?? await tokenSets.open(tokenSetId, record)
    const refreshToken = tokens?.refreshToken
    if (refreshToken === undefined) return { revoked: false, revocationError: leAuthError('LE_AUTH_REVOCATION_FAILED', { reason: 'no_refresh_token' }) }
    try {
      await revoke(accountId, refreshToken)
      return { revoked: true }
    } catch (error) {
      return { revoked: false, revocationError: error as LeAuthError }
    }
  }
}

function tell (request: FastifyRequest, login: SessionLogin, { revoked, revocationError }: LogoutResult): void {
  const who = { accountId: login.accountId, userId: login.user.id }
  publish('fastify-le-auth:logout', { ...who, revoked })
  const facts = { event: 'logout', ...who, revoked }
  if (revocationError === undefined) request.log.info({ leAuth: facts }, 'logged out')
  else request.log.warn({ leAuth: { ...facts, code: revocationError.code, reason: revocationError.reason } }, 'logged out here, but not at LivePerson')
}
