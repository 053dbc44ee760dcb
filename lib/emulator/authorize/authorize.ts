import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { queryOf } from '../parameters.ts'
import { newSecret } from '../secrets.ts'
import { findAccount, findEnabledUser } from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { codeLocation } from './authorization-response.ts'
import { browserIdOf, setBrowserId, ssoIdOf } from './cookies.ts'
import { readAuthorizationRequest } from './read-authorization-request.ts'

/** The authorization endpoint (RFC 6749 §3.1). GET and POST both read the query. */
export function authorizeRoutes(app: FastifyInstance, emulator: EmulatorState): void {
  app.route<{ Params: { accountId: string } }>({
    method: ['GET', 'POST'],
    url: '/sentinel/api/account/:accountId/authorize',
    handler: (request, reply) => {
      const { accountId } = request.params
      const query = queryOf(request)
      const authorization = readAuthorizationRequest(emulator, request.method, accountId, query)
      const sso = findSso(emulator, accountId, ssoIdOf(request, accountId))
      const next = sso
        ? codeLocation(emulator, authorization, sso)
        : loginLocation(emulator, authorization, request, reply)
      return reply.header('cache-control', 'no-store').redirect(next)
    }
  })
}

/** The single sign-on session of an enabled user of the account. */
function findSso({ ledger, accounts }: EmulatorState, accountId: string, id: string) {
  const session = ledger.ssoSessions.get(id)
  const account = findAccount(accounts, accountId)
  if (!account || session?.accountId !== accountId) return
  const user = findEnabledUser(account, session.userId)
  return user && { id, userId: user.id }
}

/** Stores the request until the user has logged in, and binds it to this browser. */
function loginLocation(
  { ledger, lifetimes }: EmulatorState,
  authorization: AuthorizationRequest,
  request: FastifyRequest,
  reply: FastifyReply
): string {
  // Keep only an id that the emulator issued, so that an attacker cannot plant one.
  const known = ledger.browsers.get(browserIdOf(request))
  const browserId = known ? browserIdOf(request) : newSecret()
  const pendingId = newSecret()
  const pending = { request: authorization, browserId }
  ledger.browsers.set(browserId, true, lifetimes.pendingLogin)
  ledger.pendingLogins.set(pendingId, pending, lifetimes.pendingLogin)
  setBrowserId(reply, browserId, lifetimes.pendingLogin)
  return `/sentinel/login?request=${pendingId}`
}
