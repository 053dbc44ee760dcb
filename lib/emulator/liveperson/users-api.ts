import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiRefusal, sendJson } from '../refusals.ts'
import { findAccount, findEnabledUser, type Account, type User } from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'

type OfAccount = { Params: { accountId: string } }
type OfUser = { Params: { accountId: string; userId: string } }

const CONFIGURATION = '/api/account/:accountId/configuration'

// The numbers of the role types in LivePerson's documents.
const PROFILES = { administrator: 1, agent: 2, lpa: 5 }

const STATUS_REASONS = ['Lunch', 'Meeting', 'Training'].map((text, index) => ({
  id: index + 1,
  text,
  isEnabled: true
}))

/** A part of LivePerson's configuration API: all users, one user, and the status reasons. */
export function usersApiRoutes(app: FastifyInstance, state: EmulatorState): void {
  app.get<OfAccount>(`${CONFIGURATION}/le-users/users`, (request, reply) =>
    sendJson(reply, callersAccount(request, state).users.map(shown))
  )

  app.get<OfUser>(`${CONFIGURATION}/le-users/users/:userId`, (request, reply) => {
    const { users } = callersAccount(request, state)
    const user = users.find(({ id }) => id === request.params.userId)
    if (!user) throw new ApiRefusal(404, `there is no user ${request.params.userId}`)
    return sendJson(reply, shown(user))
  })

  app.get<OfAccount>(`${CONFIGURATION}/le-agents/status-reasons`, (request, reply) => {
    callersAccount(request, state)
    return sendJson(reply, STATUS_REASONS)
  })
}

/**
 * The account of the bearer token (RFC 6750 §2.1).
 * @throws ApiRefusal if the token is unknown or expired, its user is disabled, or it belongs to
 * another account
 */
function callersAccount(
  request: FastifyRequest<OfAccount>,
  { accounts, ledger }: EmulatorState
): Account {
  const [, token = ''] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
  const grant = ledger.accessTokens.get(token)
  const account = grant && findAccount(accounts, grant.accountId)
  if (!account || !findEnabledUser(account, grant.userId)) {
    throw new ApiRefusal(401, 'Bad Authentication')
  }
  if (account.accountId === request.params.accountId) return account
  throw new ApiRefusal(403, 'Not Authorized')
}

function shown(user: User) {
  const { id, loginName, fullName, nickname, email, enabled } = user
  return {
    id,
    pid: `emulated-${id}`,
    deleted: false,
    loginName,
    fullName,
    nickname,
    email,
    isEnabled: enabled,
    profileIds: [PROFILES[user.isLpa ? 'lpa' : user.isAdmin ? 'administrator' : 'agent']],
    skillIds: [],
    isApiUser: false,
    userTypeId: 1
  }
}
