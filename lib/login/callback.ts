import { promisify } from 'node:util'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate } from '../access/authenticate.js'
import { publish } from '../diagnostics.js'
import { leAuthError } from '../errors.js'
import type { LoginEvent, ResolvedOptions } from '../options.js'
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
      assertSession(request)
      const parameters = queryOf(request)
      const state = singleState(parameters)
      const spent = await spentStates.find(request.sessionStore, state)
      if (spent !== null) {
        returnPath = spent.returnPath
        return resume(request, reply, spent)
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
    const response = validated(reply, sentinel, parameters, state, transaction)
    const isFirst = await spentStates.spend(request.sessionStore, state, transaction.returnPath)
    if (!isFirst) throw leAuthError('LE_AUTH_STATE_SPENT')
    transactions.end(reply, state)
    const { codeVerifier } = transaction
    const { user, tokens } = await exchangeCode(sentinel, client, response, {
      redirectUri: options.redirectUri, now: options.now(), ...(codeVerifier !== undefined && { codeVerifier })
    })
    await establish(request, reply, transaction, user, tokens)
    // Only decides which sentence a later reload reads, and must not undo a login.
    await spentStates.finish(request.sessionStore, state, transaction.returnPath).catch(() => {})
    const who = { accountId: transaction.accountId, userId: user.id }
    publish('fastify-le-auth:login:succeeded', who)
    request.log.info({ leAuth: { event: 'login', ...who } }, 'logged in')
  }

  /** The authorization response; one that is none spends its state too. */
  function validated (reply: FastifyReply, sentinel: Sentinel, parameters: URLSearchParams, state: string, { returnPath }: LoginTransaction): URLSearchParams {
    try {
      return authorizationResponse(sentinel, client, parameters, state)
    } catch (error) {
      spentStates.spendHere(state, returnPath)
      transactions.end(reply, state)
      throw error
    }
  }

  async function establish (request: FastifyRequest, reply: FastifyReply, { accountId, returnPath }: LoginTransaction, user: User, tokens: TokenSet): Promise<void> {
    const before = request.leAuth
    try {
      await sessions.begin(request, accountId, user, tokens, async () => {
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
  }
}

/** A callback that comes again, by the back button or a reload: its login goes on where it lives, and is not repeated where not. */
function resume (request: FastifyRequest, reply: FastifyReply, spent: SpentState): FastifyReply {
  if (request.leAuth !== null) return reply.redirect(spent.returnPath, 303)
  throw leAuthError(spent.finished ? 'LE_AUTH_LOGIN_FINISHED' : 'LE_AUTH_STATE_SPENT')
}

/** The query as it came: Fastify's parser would merge what was sent twice. */
function queryOf (request: FastifyRequest): URLSearchParams {
  const url = request.raw.url!
  const start = url.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : url.slice(start))
}

function singleState (parameters: URLSearchParams): string {
  const [state, ...others] = parameters.getAll('state')
  if (state === undefined || others.length > 0 || !isState(state)) throw leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'state' })
  return state
}
