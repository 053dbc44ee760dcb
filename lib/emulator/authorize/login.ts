import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendPage } from '../pages/html.ts'
import { loginPage } from '../pages/login-page.ts'
import { formOf, queryOf, valueOf } from '../parameters.ts'
import { PageRefusal } from '../refusals.ts'
import { isSameSecret, newSecret } from '../secrets.ts'
import {
  findAccount,
  findApplication,
  type Account,
  type Application,
  type User
} from '../settings/accounts.ts'
import type { EmulatorState } from '../state.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { codeLocation, errorLocation } from './authorization-response.ts'
import { browserIdOf, setSsoId } from './cookies.ts'

/** A pending authorization request, with all that the login page shows of it. */
interface LoginAttempt {
  readonly id: string
  readonly request: AuthorizationRequest
  readonly account: Account
  readonly application: Application
}

/** The login page: GET shows its form, POST receives it. */
export function loginRoutes(app: FastifyInstance, emulator: EmulatorState): void {
  app.get('/sentinel/login', (request, reply) => {
    const attempt = attemptOf(emulator, request)
    return showForm(reply, attempt, { loginName: valueOf(queryOf(request), 'user') })
  })

  app.post('/sentinel/login', (request, reply) => {
    const attempt = attemptOf(emulator, request)
    const form = formOf(request) ?? new URLSearchParams()
    if (form.get('action') === 'cancel') {
      const description = 'The user cancelled the sign-in'
      return sendBack(reply, errorLocation(attempt.request, 'access_denied', description))
    }
    const loginName = form.get('username') ?? ''
    const user = attempt.account.users.find(user => user.loginName === loginName)
    const problem = problemOf(user, form.get('password') ?? '')
    if (!user || problem) return showForm(reply.code(401), attempt, { loginName, problem })
    return logIn(emulator, attempt, user, reply)
  })
}

/**
 * The attempt that the request's query names.
 * @throws PageRefusal if it has expired, or another browser began it
 */
function attemptOf({ ledger, accounts }: EmulatorState, request: FastifyRequest): LoginAttempt {
  const id = queryOf(request).get('request') ?? ''
  const pending = ledger.pendingLogins.get(id)
  const account = pending && findAccount(accounts, pending.request.accountId)
  const application = account && findApplication(account, pending.request.clientId)
  if (!application || !isSameSecret(pending.browserId, browserIdOf(request))) {
    throw new PageRefusal(
      400,
      'This sign-in has expired, or it was started in another browser. ' +
        'Go back to the application and start again.'
    )
  }
  return { id, request: pending.request, account, application }
}

function showForm(
  reply: FastifyReply,
  { id, request, account, application }: LoginAttempt,
  { loginName = '', problem }: { loginName?: string | undefined; problem?: string | undefined }
): FastifyReply {
  const action = `/sentinel/login?request=${id}`
  const page = loginPage({ action, account, application, loginName, problem })
  return sendPage(reply, page, request.redirectUri)
}

// An unknown user and a wrong password get the same text. The text for a disabled user appears
// only after the right password.
function problemOf(user: User | undefined, password: string): string | undefined {
  if (!user || !isSameSecret(user.password, password)) return 'Wrong user name or password.'
  return user.enabled
    ? undefined
    : 'This user is disabled. Contact an administrator of your account.'
}

/** Begins a single sign-on session and sends the browser back with a code. */
function logIn(
  emulator: EmulatorState,
  { request }: LoginAttempt,
  user: User,
  reply: FastifyReply
): FastifyReply {
  const { ledger, lifetimes } = emulator
  const { accountId } = request
  const ssoId = newSecret()
  ledger.ssoSessions.set(ssoId, { accountId, userId: user.id }, lifetimes.ssoSession)
  setSsoId(reply, accountId, ssoId)
  return sendBack(reply, codeLocation(emulator, request, { id: ssoId, userId: user.id }))
}

// 303 turns the form's POST into a GET (RFC 9110 §15.4.4), so the password is not sent on.
function sendBack(reply: FastifyReply, location: string): FastifyReply {
  return reply.header('cache-control', 'no-store').redirect(location, 303)
}
