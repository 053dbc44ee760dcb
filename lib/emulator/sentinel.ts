import type { FastifyInstance } from 'fastify'
import type { Endpoint, Fault } from './faults/faults.ts'
import type { FaultPlan } from './faults/plan.ts'
import type { Origin } from './origin.ts'
import type { ReceivedRequest, RequestLog } from './request-log.ts'
import type { Account } from './settings/accounts.ts'
import type { Behaviour } from './settings/behaviour.ts'
import type { Lifetimes } from './settings/lifetimes.ts'
import { signIn } from './sign-in.ts'
import type { EmulatorState } from './state.ts'

/** A running emulator: its address, its data, the requests it received, and its faults. */
export interface SentinelEmulator {
  /**
   * The origin of Sentinel, the Domain API and the Users API, such as `http://127.0.0.1:41234`.
   * @throws Error in the plugin form, before the app listens
   */
  readonly url: string
  /**
   * Host and port, such as `127.0.0.1:41234`. The Domain API returns it for every service.
   * @throws Error in the plugin form, before the app listens
   */
  readonly host: string
  /**
   * The accounts, a copy of the option's. May be changed at any time: add a redirect URI, disable a
   * user.
   */
  readonly accounts: Account[]
  /** The readings of LivePerson's documents that are in use. May be changed at any time. */
  readonly behaviour: Behaviour
  /**
   * How long things are valid, in ms. May be changed at any time. What was issued before keeps its
   * expiry.
   */
  readonly lifetimes: Lifetimes
  /** The last 10,000 requests at most, oldest first. May be emptied. */
  readonly requests: ReceivedRequest[]
  /**
   * Sets a fault for the next request to an endpoint. Several calls queue up, one request each.
   * @throws TypeError if there is no such endpoint or fault
   */
  next(endpoint: Endpoint, fault: Fault): void
  /**
   * Sets a fault for every request to an endpoint. `null` removes it. Faults that {@link next} has
   * queued come first.
   * @throws TypeError if there is no such endpoint or fault
   */
  always(endpoint: Endpoint, fault: Fault | null): void
  /**
   * Ends all access tokens, or those of one user. Refresh tokens and single sign-on sessions stay
   * valid.
   */
  expireAccessTokens(userId?: string): void
  /**
   * Ends all refresh tokens, or those of one user. Access tokens and single sign-on sessions stay
   * valid.
   */
  expireRefreshTokens(userId?: string): void
  /**
   * Ends all tokens, codes and single sign-on sessions of a user, as the revocation endpoint does.
   */
  revokeUser(accountId: string, userId: string): void
  /**
   * Logs a user in as a browser would, for tests without a browser.
   * @param authorizationUrl the `location` that the app's /login redirects to
   * @param loginName the user's name on the login page
   * @returns the URL of the app's callback, with a code or an error
   * @throws Error if there is no such user, or Sentinel shows a page instead of redirecting
   */
  signIn(authorizationUrl: string, loginName: string): Promise<string>
  /** Stops listening and closes every connection at once, even if a fault holds it open. */
  close(): Promise<void>
}

/** Creates the object that controls an emulator. */
export function sentinelOf(
  app: FastifyInstance,
  origin: Origin,
  state: EmulatorState,
  faults: FaultPlan,
  log: RequestLog
): SentinelEmulator {
  const { accounts, behaviour, lifetimes, ledger } = state
  return {
    get url() {
      return origin.url()
    },
    get host() {
      return origin.host()
    },
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
