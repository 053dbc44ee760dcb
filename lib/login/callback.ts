import type { FastifyReply, FastifyRequest } from 'fastify'
import { Authentication } from '../access/authentication.ts'
import type { CurrentAuthentication } from '../access/current-authentication.ts'
import type { Clock } from '../clock.ts'
import { publish } from '../diagnostics.ts'
import { leAuthError } from '../errors.ts'
import { removeQuery } from '../http/route-headers.ts'
import type { Sentinel } from '../sentinel/endpoints.ts'
import type { ExchangedCode } from '../sentinel/exchange-code.ts'
import type { SentinelService } from '../sentinel/service.ts'
import type { LoginFailures } from './login-failures.ts'
import type { LoginCreator } from './login-creator.ts'
import { isState, type LoginTransaction, type LoginTransactions } from './transaction.ts'
import type { UsedState, UsedStates } from './used-states.ts'

interface CallbackParts {
  sentinel: SentinelService
  transactions: LoginTransactions
  usedStates: UsedStates
  loginCreator: LoginCreator
  failures: LoginFailures
  current: CurrentAuthentication
  clock: Clock
}

interface CallbackSettings {
  redirectUri: string
  /** Where a login without a return path leads. */
  afterLogin: string
}

/** GET /callback: finishes the login transaction of this state and this browser. */
export class Callback {
  readonly #with: CallbackParts
  readonly #settings: CallbackSettings

  constructor(parts: CallbackParts, settings: CallbackSettings) {
    this.#with = parts
    this.#settings = settings
  }

  readonly handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { current, failures, transactions } = this.#with
    let returnPath: string | null = null
    try {
      const parameters = takeQuery(request)
      const state = singleState(parameters)
      const pending = transactions.open(request, state)
      // A browser that still has the transaction may start again with its return path.
      returnPath = pending?.returnPath ?? null
      const used = await this.#findUsed(request, state, pending)
      if (used !== null && current.of(request) !== null) return this.#resume(request, reply, used)
      if (used !== null) throw alreadyUsed(used)
      const transaction = transactions.validate(request, pending)
      await this.#finish(request, reply, parameters, state, transaction)
      return reply.redirect(transaction.returnPath, 303)
    } catch (error) {
      return await failures.respond(request, reply, error, returnPath)
    }
  }

  /** Anybody can make up states, so the store is read only for a pending login or for a user. */
  async #findUsed(
    request: FastifyRequest,
    state: string,
    pending: LoginTransaction | null
  ): Promise<UsedState | null> {
    const { current, usedStates } = this.#with
    const isStranger = pending === null && current.of(request) === null
    return isStranger ? usedStates.findHere(state) : usedStates.find(state)
  }

  /**
   * A callback that is repeated by the back button or a reload, while the user is still logged in
   * by it or by another login.
   */
  #resume(request: FastifyRequest, reply: FastifyReply, { login }: UsedState): FastifyReply {
    const { key } = Authentication.loginOf(this.#with.current.of(request)!)
    const path = key === login?.loginKey ? login.returnPath : this.#settings.afterLogin
    return reply.redirect(path, 303)
  }

  async #finish(
    request: FastifyRequest,
    reply: FastifyReply,
    parameters: URLSearchParams,
    state: string,
    transaction: LoginTransaction
  ): Promise<void> {
    const { loginCreator, transactions, usedStates } = this.#with
    const sentinel = this.#with.sentinel.at(transaction.sentinelOrigin, transaction.accountId)
    const validated = await this.#validate(reply, sentinel, parameters, state)
    if (!(await usedStates.use(state))) throw alreadyUsed({ login: null })
    transactions.end(reply, state)
    const { accountId, returnPath } = transaction
    const login = await this.#exchange(sentinel, validated, transaction)
      .then(exchanged =>
        loginCreator.create(request, reply, { ...exchanged, accountId, returnPath })
      )
      .catch(error => {
        usedStates.noteFailure(state)
        throw error
      })
    // This only decides which sentence a later reload shows, so its failure undoes no login.
    await usedStates.finish(state, { loginKey: login.key, returnPath }).catch(() => {})
    publish('fastify-le-auth:login:succeeded', login.subject)
    request.log.info({ leAuth: { event: 'login', ...login.subject } }, 'logged in')
  }

  /** The authorization response. The state of an invalid response also counts as used. */
  async #validate(
    reply: FastifyReply,
    sentinel: Sentinel,
    parameters: URLSearchParams,
    state: string
  ): Promise<URLSearchParams> {
    const { transactions, usedStates } = this.#with
    try {
      return await this.#with.sentinel.authorizationResponse(sentinel, parameters, state)
    } catch (error) {
      await usedStates.useWithoutCode(state)
      transactions.end(reply, state)
      throw error
    }
  }

  #exchange(
    sentinel: Sentinel,
    validated: URLSearchParams,
    { codeVerifier }: LoginTransaction
  ): Promise<ExchangedCode> {
    const { redirectUri } = this.#settings
    const now = this.#with.clock.now()
    return this.#with.sentinel.exchangeCode(sentinel, validated, { redirectUri, codeVerifier, now })
  }
}

/**
 * The query as it came; Fastify's parser would merge repeated parameters. It is removed from the
 * request, so that nobody's log line holds the code and the state.
 */
function takeQuery(request: FastifyRequest): URLSearchParams {
  const url = request.raw.url!
  const start = url.indexOf('?')
  removeQuery(request)
  return new URLSearchParams(start === -1 ? '' : url.slice(start))
}

function singleState(parameters: URLSearchParams): string {
  const [state, ...others] = parameters.getAll('state')
  if (state !== undefined && others.length === 0 && isState(state)) return state
  throw leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'state_malformed' })
}

function alreadyUsed({ login }: UsedState): Error {
  const reason = login === null ? 'state_used' : 'login_ended'
  return leAuthError('LE_AUTH_CALLBACK_INVALID', { reason })
}
