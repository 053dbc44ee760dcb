import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { queryOf } from '../parameters.js'
import { newSecret } from '../secrets.js'
import { findAccount, findEnabledUser } from '../settings/accounts.js'
import type { EmulatorState } from '../state.js'
import { codeLocation } from './authorization-answer.js'
import type { AuthorizationRequest } from './authorization-request.js'
import { browserIdOf, setBrowserId, ssoIdOf } from './cookies.js'
import { readAuthorizationRequest } from './read-authorization-request.js'

/** The authorization endpoint (RFC 6749 §3.1). By GET and by POST the parameters are in the query. */
export function authorizeRoutes (app: FastifyInstance, emulator: EmulatorState): void {
  app.route<{ Params: { accountId: string } }>({
    method: ['GET', 'POST'],
    url: '/sentinel/api/account/:accountId/authorize',
    handler: (request, reply) => {
      const { accountId } = request.params
      const asked = readAuthorizationRequest(emulator, request.method, accountId, queryOf(request))
      const sso = signedIn(emulator, accountId, ssoIdOf(request, accountId))
      const next = sso ? codeLocation(emulator, asked, sso) : loginLocation(emulator, asked, request, reply)
      return reply.header('cache-control', 'no-store').redirect(next)
    }
  })
}

/** Who is signed in to an account by a single sign-on session. */
function signedIn ({ ledger, accounts }: EmulatorState, accountId: string, id: string) {
  const session = ledger.ssoSessions.get(id)
  const account = findAccount(accounts, accountId)
  if (!account || session?.accountId !== accountId) return
  const user = findEnabledUser(account, session.userId)
  return user && { id, userId: user.id }
}

/** Parks the request until the user has signed in, and ties it to this browser. */
function loginLocation (
  { ledger, lifetimes }: EmulatorState, asked: AuthorizationRequest, request: FastifyRequest, reply: FastifyReply
): string {
  // Only an id of our own making is kept, so that nobody can plant one.
  const known = ledger.browsers.get(browserIdOf(request))
  const browserId = known ? browserIdOf(request) : newSecret()
  const pendingId = newSecret()
  ledger.browsers.set(browserId, true, lifetimes.pendingLogin)
  ledger.pendingLogins.set(pendingId, { request: asked, browserId }, lifetimes.pendingLogin)
  setBrowserId(reply, browserId, lifetimes.pendingLogin)
  return `/sentinel/login?request=${pendingId}`
}
