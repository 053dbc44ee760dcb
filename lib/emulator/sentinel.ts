import type { FastifyInstance } from 'fastify'
import type { Endpoint, Fault } from './faults/faults.js'
import type { FaultPlan } from './faults/plan.js'
import type { Origin } from './origin.js'
import type { ReceivedRequest, RequestLog } from './request-log.js'
import type { Account } from './settings/accounts.js'
import type { Behaviour } from './settings/behaviour.js'
import type { Lifetimes } from './settings/lifetimes.js'
import { signIn } from './sign-in.js'
import type { EmulatorState } from './state.js'

/** A running emulator: where it is, what it knows, what it has seen, and how to make it misbehave. */
export interface SentinelEmulator {
  /**
   * The origin, such as `http://127.0.0.1:41234`: Sentinel's, the Domain API's and the Users API's.
   * @throws Error in the plugin form, before the app listens.
   */
  readonly url: string
  /**
   * Host and port, such as `127.0.0.1:41234`: what the Domain API answers for every service.
   * @throws Error in the plugin form, before the app listens.
   */
  readonly host: string
  /** The accounts, a copy of the option's. May be changed at any time: push a redirect URI, disable a user. */
  readonly accounts: Account[]
  /** The readings of LivePerson's documents that are played. May be changed at any time. */
  readonly behaviour: Behaviour
  /** How long things live. May be changed at any time; what exists already keeps its end. */
  readonly lifetimes: Lifetimes
  /** The requests received, oldest first, at most the last 10,000. May be emptied. */
  readonly requests: ReceivedRequest[]
  /**
   * Gives the next request to an endpoint a fault, once. Several calls queue up, one request each.
   * @throws TypeError when the endpoint or the fault is not one of those declared.
   */
  next (endpoint: Endpoint, fault: Fault): void
  /**
   * Gives every request to an endpoint a fault, until `null`. What {@link next} queued comes first.
   * @throws TypeError when the endpoint or the fault is not one of those declared.
   */
  always (endpoint: Endpoint, fault: Fault | null): void
  /** Ends all access tokens, or one user's; refresh tokens and single sign-on sessions live on. */
  expireAccessTokens (userId?: string): void
  /** Ends all refresh tokens, or one user's; access tokens and single sign-on sessions live on. */
  expireRefreshTokens (userId?: string): void
  /** Ends everything a user has, as the revocation endpoint does: tokens, codes and single sign-on sessions. */
  revokeUser (accountId: string, userId: string): void
  /**
   * Signs a user in as a browser would, for tests without one: takes the Location of the app's /login, and returns the
   * address of the app's callback, with a code.
   * @throws Error when there is no such user, or Sentinel shows a page instead.
   */
  signIn (authorizationUrl: string, loginName: string): Promise<string>
  /** Stops listening and closes every connection at once, also those a fault holds open. */
  close (): Promise<void>
}

/** Builds the emulator's handle. */
export function sentinelOf (
  app: FastifyInstance, origin: Origin, state: EmulatorState, faults: FaultPlan, log: RequestLog
): SentinelEmulator {
  const { accounts, behaviour, lifetimes, ledger } = state
  return {
    get url () { return origin.url() },
    get host () { return origin.host() },
    accounts,
    behaviour,
    lifetimes,
    requests: log.requests,
    next: (endpoint, fault) => faults.next(endpoint, fault),
    always: (endpoint, fault) => faults.always(endpoint, fault),
    expireAccessTokens: userId => ledger.endAccessTokens(userId),
    expireRefreshTokens: userId => ledger.endRefreshTokens(userId),
    revokeUser: (accountId, userId) => ledger.endUser(accountId, userId),
    signIn: (authorizationUrl, loginName) => signIn(app, accounts, authorizationUrl, loginName),
    close: () => app.close()
  }
}
