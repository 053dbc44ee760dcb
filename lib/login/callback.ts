import type { FastifyReply, FastifyRequest } from 'fastify'
import { Authentication, type Collaborators } from '../access/authentication.js'
import type { CurrentAuthentication } from '../access/current.js'
import type { LoginCookie } from '../access/login-cookie.js'
import { isAnswered, noteAnswers } from '../http/answered.js'
import { publish } from '../diagnostics.js'
import { leAuthError } from '../errors.js'
import type { NewLogin } from '../logins/logins.js'
import type { LoginEvent, ResolvedOptions } from '../options/options.js'
import { withoutQuery } from '../http/route-headers.js'
import type { User } from '../sentinel/claims.js'
import { sentinelEndpoints, type Sentinel } from '../sentinel/endpoints.js'
import type { SentinelService } from '../sentinel/service.js'
import type { TokenSet } from '../sentinel/token-set.js'
import type { AppSessions, NewSession } from '../session/app-sessions.js'
import { whoseOf } from '../tokens/refresh-log.js'
import { answerFailure, hookFailure } from './failure.js'
import type { SpentState, SpentStates } from './spent-states.js'
import { isState, type LoginTransaction, type LoginTransactions } from './transaction.js'

interface CallbackParts {
  options: ResolvedOptions
  sentinel: SentinelService
  transactions: LoginTransactions
  spentStates: SpentStates
  sessions: AppSessions
  cookie: LoginCookie
  current: CurrentAuthentication
  collaborators: Collaborators
}

/** GET /callback: finishes the login transaction of this state and this browser. */
export class Callback {
  readonly #with: CallbackParts

  constructor (parts: CallbackParts) {
    this.#with = parts
  }

  readonly handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { options, current, spentStates, transactions } = this.#with
    let returnPath: string | null = null
    try {
      const parameters = takeQuery(request)
      const state = singleState(parameters)
      const spent = await spentStates.find(state)
      if (spent !== null && current.of(request) !== null) return this.#resume(request, reply, spent)
      // Who still has the transaction may begin again with its return path, and nobody else.
      if (spent !== null) returnPath = this.#returnPathOf(request, state)
      if (spent !== null) throw leAuthError(spent.login === null ? 'LE_AUTH_STATE_SPENT' : 'LE_AUTH_LOGIN_FINISHED')
      const transaction = transactions.find(request, state)
      returnPath = transaction.returnPath
      if (transactions.isExpired(transaction)) throw leAuthError('LE_AUTH_TRANSACTION_EXPIRED')
      await this.#finish(request, reply, parameters, state, transaction)
      return reply.redirect(returnPath, 303)
    } catch (error) {
      return await answerFailure(options, request, reply, { error, returnPath })
    }
  }

  #returnPathOf (request: FastifyRequest, state: string): string | null {
    try {
      return this.#with.transactions.find(request, state).returnPath
    } catch {
      return null
    }
  }

  /** A callback that comes again, by the back button or a reload, while its login lives, or another one. */
  #resume (request: FastifyRequest, reply: FastifyReply, { login }: SpentState): FastifyReply {
    const { key } = Authentication.loginOf(this.#with.current.of(request)!)
    return reply.redirect(key === login?.loginKey ? login.returnPath : this.#with.options.defaultReturnPath, 303)
  }

  async #finish (request: FastifyRequest, reply: FastifyReply, parameters: URLSearchParams, state: string, transaction: LoginTransaction): Promise<void> {
    const { options, spentStates, transactions } = this.#with
    const sentinel = sentinelEndpoints(transaction.sentinelOrigin, transaction.accountId, options.apiVersion)
    const response = await this.#validated(reply, sentinel, parameters, state)
    if (!await spentStates.spend(state)) throw leAuthError('LE_AUTH_STATE_SPENT')
    transactions.end(reply, state)
    const { codeVerifier, returnPath } = transaction
    const { user, tokens } = await this.#with.sentinel.exchangeCode(sentinel, response, {
      redirectUri: options.redirectUri, now: options.clock.now(), ...(codeVerifier !== undefined && { codeVerifier })
    })
    const { login } = await this.#logIn(request, reply, user, tokens, transaction)
    // Only decides which sentence a later reload reads, and must not undo a login.
    await spentStates.finish(state, { loginKey: login.key, returnPath }).catch(() => {})
    const who = whoseOf(login)
    publish('fastify-le-auth:login:succeeded', who)
    request.log.info({ leAuth: { event: 'login', ...who } }, 'logged in')
  }

  /** The authorization response; one that is none spends its state too. */
  async #validated (reply: FastifyReply, sentinel: Sentinel, parameters: URLSearchParams, state: string): Promise<URLSearchParams> {
    const { spentStates, transactions } = this.#with
    try {
      return await this.#with.sentinel.authorizationResponse(sentinel, parameters, state)
    } catch (error) {
      spentStates.spendHere(state)
      transactions.end(reply, state)
      throw error
    }
  }

  /** Makes the login and its session, runs `onLogin`, and only then makes it true: what fails before leaves everything as it was. */
  async #logIn (request: FastifyRequest, reply: FastifyReply, user: User, tokens: TokenSet, transaction: LoginTransaction): Promise<NewLogin> {
    const { sessions, cookie, collaborators: { logins } } = this.#with
    const before = this.#with.current.of(request)
    const made = await logins.create(user, transaction.accountId, tokens)
    const session = sessions.begin(request, made.login, before && Authentication.loginOf(before))
    try {
      await this.#runOnLogin(request, reply, made, session, transaction)
      await session.save()
      await logins.commit(made.login)
      await session.destroyPrevious()
      if (before !== null) await logins.end(Authentication.loginOf(before), 'replaced')
    } catch (error) {
      session.undo()
      this.#with.current.set(request, before)
      // The first error is the one to tell.
      await Promise.allSettled([session.destroy(), logins.end(made.login, 'replaced')])
      throw error
    }
    cookie.set(reply, made.id)
    return made
  }

  /** `onLogin` already acts for the user, and writes to the new session. */
  async #runOnLogin (request: FastifyRequest, reply: FastifyReply, { login }: NewLogin, session: NewSession, { returnPath }: LoginTransaction): Promise<void> {
    const { options, current, collaborators } = this.#with
    let isWaiting = true
    // A response that is given meanwhile must not store the session of a login that may fail.
    noteAnswers(reply, () => { if (isWaiting) session.undo() })
    current.set(request, new Authentication(login, request, reply, collaborators))
    const event: LoginEvent = { user: login.facts.user, accountId: login.facts.accountId, returnPath }
    try {
      await options.onLogin?.(event, request, reply)
    } catch (error) {
      throw hookFailure(error, request)
    } finally {
      isWaiting = false
    }
    // Whoever has got another answer, from the hook or by a timeout of the app's, would not know of the login.
    if (isAnswered(reply)) throw leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { reason: 'answered' })
    if (login.hasEnded) throw leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { reason: 'logged_out' })
  }
}

/**
 * The query as it came: Fastify's parser would merge what was sent twice. It is taken off the request, so that code and state are
 * in no log line that somebody else writes, Fastify's own warning of a second answer among them.
 */
function takeQuery ({ raw }: FastifyRequest): URLSearchParams {
  const url = raw.url!
  const start = url.indexOf('?')
  raw.url = withoutQuery(url)
  return new URLSearchParams(start === -1 ? '' : url.slice(start))
}

function singleState (parameters: URLSearchParams): string {
  const [state, ...others] = parameters.getAll('state')
  if (state === undefined || others.length > 0 || !isState(state)) throw leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'state' })
  return state
}
