import { promisify } from 'node:util'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate } from '../access/authenticate.js'
import { isAnswered, noteAnswers } from '../answered.js'
import { publish } from '../diagnostics.js'
import { leAuthError } from '../errors.js'
import type { LoginEvent, ResolvedOptions } from '../options.js'
import { withoutQuery } from '../route-headers.js'
import { authorizationResponse } from '../sentinel/authorization-response.js'
import type { User } from '../sentinel/claims.js'
import type { SentinelClient } from '../sentinel/client.js'
import { sentinelEndpoints, type Sentinel } from '../sentinel/endpoints.js'
import { exchangeCode } from '../sentinel/exchange-code.js'
import { assertSession, type LoginSessions } from '../session/login-session.js'
import type { TokenSet } from '../tokens/token-set.js'
import { answerFailure, hookFailure } from './failure.js'
import type { SpentState, SpentStates } from './spent-states.js'
import { isState, type LoginTransaction, type LoginTransactions } from './transaction.js'

interface Callback {
  options: ResolvedOptions
  client: SentinelClient
  transactions: LoginTransactions
  spentStates: SpentStates
  sessions: LoginSessions
  authenticate: Authenticate
}

/** GET /callback: finishes the login transaction of this state and this browser. */
export function createCallback ({ options, client, transactions, spentStates, sessions, authenticate }: Callback) {
  return async function callback (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    let returnPath: string | null = null
    try {
      const parameters = takeQuery(request)
      assertSession(request)
      const state = singleState(parameters)
      const spent = await spentStates.find(request.sessionStore, state)
      if (spent !== null) {
        if (request.leAuth !== null) return resume(request, reply, spent)
        // Who still has the transaction may begin again with its return path, and nobody else.
        returnPath = (await transactions.find(request, state).catch(() => null))?.returnPath ?? null
        throw leAuthError(spent.login === null ? 'LE_AUTH_STATE_SPENT' : 'LE_AUTH_LOGIN_FINISHED')
      }
      const transaction = await transactions.find(request, state)
      returnPath = transaction.returnPath
      if (transactions.isExpired(transaction)) throw leAuthError('LE_AUTH_TRANSACTION_EXPIRED')
      await finish(request, reply, parameters, state, transaction)
      return reply.redirect(returnPath, 303)
    } catch (error) {
      return await answerFailure(options, request, reply, { error, returnPath })
    }
  }

  async function finish (request: FastifyRequest, reply: FastifyReply, parameters: URLSearchParams, state: string, transaction: LoginTransaction): Promise<void> {
    const sentinel = sentinelEndpoints(transaction.sentinelOrigin, transaction.accountId, options.apiVersion)
    const response = validated(reply, sentinel, parameters, state)
    const isFirst = await spentStates.spend(request.sessionStore, state)
    if (!isFirst) throw leAuthError('LE_AUTH_STATE_SPENT')
    transactions.end(reply, state)
    const { codeVerifier } = transaction
    const { user, tokens } = await exchangeCode(sentinel, client, response, {
      redirectUri: options.redirectUri, now: options.now(), ...(codeVerifier !== undefined && { codeVerifier })
    })
    const tokenSetId = await establish(request, reply, transaction, user, tokens)
    // Only decides which sentence a later reload reads, and must not undo a login.
    await spentStates.finish(request.sessionStore, state, { tokenSetId, returnPath: transaction.returnPath }).catch(() => {})
    const who = { accountId: transaction.accountId, userId: user.id }
    publish('fastify-le-auth:login:succeeded', who)
    request.log.info({ leAuth: { event: 'login', ...who } }, 'logged in')
  }

  /** The authorization response; one that is none spends its state too. */
  function validated (reply: FastifyReply, sentinel: Sentinel, parameters: URLSearchParams, state: string): URLSearchParams {
    try {
      return authorizationResponse(sentinel, client, parameters, state)
    } catch (error) {
      spentStates.spendHere(state)
      transactions.end(reply, state)
      throw error
    }
  }

  async function establish (request: FastifyRequest, reply: FastifyReply, { accountId, returnPath }: LoginTransaction, user: User, tokens: TokenSet): Promise<string> {
    const before = request.leAuth
    try {
      return await sessions.begin(request, accountId, user, tokens, async keepPrevious => {
        noteAnswers(reply, keepPrevious)
        await promisify(authenticate)(request, reply)
        // onLogin may already act for the user; and a store that has lost what it was just given cannot carry a login.
        if (request.leAuth === null) throw leAuthError('LE_AUTH_STORE_UNAVAILABLE', { reason: 'lost_write' })
        await runOnLogin({ user, accountId, returnPath }, request, reply)
      })
    } catch (error) {
      request.leAuth = before
      throw error
    }
  }

  async function runOnLogin (event: LoginEvent, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    try {
      await options.onLogin?.(event, request, reply)
    } catch (error) {
      throw hookFailure(error, request)
    }
    // Whoever has got another answer, from the hook or by a timeout of the app's, would not know of the login.
    if (isAnswered(reply)) throw leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { reason: 'answered' })
  }

  /** A callback that comes again, by the back button or a reload, while its login lives, or another one. */
  function resume (request: FastifyRequest, reply: FastifyReply, { login }: SpentState): FastifyReply {
    const isOwn = request.session.leAuth?.tokenSetId === login?.tokenSetId
    return reply.redirect(isOwn ? login!.returnPath : options.defaultReturnPath, 303)
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
