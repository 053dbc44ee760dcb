import { HOUR, MINUTE } from '../clock.ts'
import type { Family, WatchedSentinel } from './sentinel.ts'

/** The idle lifetime of all logins of a world. */
export const IDLE_LIFETIME = 2 * HOUR
const ABSOLUTE_LIFETIME = 8 * HOUR
/** How old the stored activity may be. */
const NOTED_EVERY = 5 * MINUTE
/** The longest pause after a failed refresh, with its jitter. */
const LONGEST_PAUSE = 6 * MINUTE

/** A moment: the number of events before it, and the time on the clock of the test. */
export interface Moment {
  tick: number
  clock: number
}

/** One request of a browser to the app, and its response. */
export interface Exchange {
  what: string
  person: number
  instance: number
  /** The session id in the cookie that was sent. */
  sessionId: string | undefined
  start: Moment
  /** Whether the login had been idle for too long when it was sent. */
  isLate?: boolean
  /** Missing while it is in flight. */
  end?: Moment
  status?: number
  code?: string | undefined
  /** What the app's route said about the login; nothing if nobody was logged in. */
  response?: { login: string; userId: string; accessToken?: string } | undefined
}

/** A login as the model sees it. */
export interface Login {
  /** The id of its token set. */
  id: string
  person: number
  userId: string
  family: Family
  begun: Exchange
  /** What ended it: logouts, and logins in its place. Some may be in flight. */
  endings: Exchange[]
  /** The requests with its cookie. */
  exchanges: Exchange[]
  /** The last stored activity is between these, by the clock. */
  activeSince: number
  activeUntil: number
}

/**
 * Which logins there are, and which response each request may get. Wrong responses are noted in
 * `violations`.
 */
export class Logins {
  readonly violations: string[] = []
  readonly #bySession = new Map<string, Login>()
  readonly #sentinel: WatchedSentinel

  constructor(sentinel: WatchedSentinel) {
    this.#sentinel = sentinel
  }

  get all(): Login[] {
    return [...this.#bySession.values()]
  }

  sessionIdOf(login: Login): string {
    return [...this.#bySession].find(([, other]) => other === login)![0]
  }

  byId(id: string): Login | undefined {
    return this.all.find(login => login.id === id)
  }

  /** Notes a login for which a callback has set a session cookie. */
  begin(begun: Exchange, sessionId: string, id: string, userId: string, accessToken: string): void {
    const family = this.#sentinel.familyOf(accessToken)
    const isKnown = this.#bySession.has(sessionId)
    if (isKnown) this.#violate('a', begun, 'the login has the session id of another')
    const isForeign = family?.userId !== userId
    if (isForeign) this.#violate('a', begun, 'the tokens of the login are another user’s')
    if (family === undefined) return
    const { start, end, person } = begun
    const activity = { activeSince: start.clock, activeUntil: end!.clock }
    const known = { id, person, userId, family, begun, endings: [], exchanges: [], ...activity }
    this.#bySession.set(sessionId, known)
  }

  /**
   * Notes a request in flight, by its cookie.
   *
   * @param mayEnd whether it ends the login that it came with
   */
  sent(exchange: Exchange, mayEnd: boolean): void {
    const login = this.#of(exchange)
    if (login === undefined) return
    // A request in flight may still be stored as activity.
    const isQuiet = login.exchanges.every(({ end }) => end !== undefined)
    exchange.isLate = isQuiet && exchange.start.clock >= login.activeUntil + IDLE_LIFETIME
    login.exchanges.push(exchange)
    if (mayEnd) login.endings.push(exchange)
  }

  /** Notes the response to a request. The request was activity, whatever the response. */
  responded(exchange: Exchange): void {
    const login = this.#of(exchange)
    if (login === undefined || exchange.isLate !== false) return
    login.activeUntil = Math.max(login.activeUntil, exchange.end!.clock)
  }

  /** Whether the login with this session must be alive, whatever else was or is in flight. */
  isAlive(sessionId: string | undefined, now: Moment): boolean {
    const login = this.#bySession.get(sessionId ?? '')
    return login !== undefined && this.#mustLive(login, now)
  }

  /** Judges a request to a route that says who is logged in. */
  judge(exchange: Exchange, isGuarded: boolean): void {
    const login = this.#of(exchange)
    const { response, status } = exchange
    if (status! >= 500) return this.#judgeFailure(exchange, login)
    const mustLive = login !== undefined && this.#mustLive(login, exchange.end!)
    if (response !== undefined) this.#judgeResponse(exchange, response, login)
    else if (isGuarded && status !== 401) this.#violate('f', exchange, 'neither a login nor a 401')
    else if (mustLive) this.#violate('e', exchange, 'the login should be alive')
    if (response !== undefined && login !== undefined) this.#noteActivity(login, exchange)
  }

  /** Judges a request to a route of the plugin, which must work unless there is an excuse. */
  judgeFlow(exchange: Exchange, isExcused: boolean): void {
    if (exchange.status !== 303 && !isExcused) this.#violate('f', exchange, 'should have worked')
  }

  /** Judges the token sets in the store while nothing is in flight. */
  judgeStore(tokenSetIds: string[]): void {
    for (const id of tokenSetIds) {
      const login = this.byId(id)
      if (login === undefined) this.violations.push(`(c) a token set is of no login: ${id}`)
      else if (login.endings.some(({ status }) => status === 303)) {
        this.violations.push(`(c) a token set outlives its login: ${id}`)
      }
    }
  }

  /** A request may fail only during a failure of Sentinel, or in the pause after it. */
  #judgeFailure(exchange: Exchange, login: Login | undefined): void {
    const isOutage = exchange.status === 503 && exchange.code === 'LE_AUTH_REFRESH_UNAVAILABLE'
    const isTrue = login?.family.failures.some(({ heardAt }) => {
      return exchange.start.clock < heardAt + LONGEST_PAUSE
    })
    if (!isOutage || isTrue !== true) this.#violate('f', exchange, 'Sentinel was well')
  }

  #judgeResponse(
    exchange: Exchange,
    { login: id, userId, accessToken }: NonNullable<Exchange['response']>,
    login: Login | undefined
  ): void {
    const violate = (invariant: string, why: string): void =>
      this.#violate(invariant, exchange, why)
    if (login === undefined) return violate('b', 'nobody has logged in with this cookie')
    const { person, start, isLate } = exchange
    const isOther = login.id !== id || login.person !== person || login.userId !== userId
    if (isOther) violate('a', 'responded for another login')
    const family = accessToken === undefined ? login.family : this.#sentinel.familyOf(accessToken)
    if (family !== login.family) {
      violate('a', `the access token is of another login, of user ${family?.userId}`)
    }
    const ends = login.endings.filter(({ status }) => status === 303).map(({ end }) => end!.tick)
    if (ends.some(tick => tick < start.tick)) violate('b', 'the login had ended before')
    if (isLate === true) violate('b', 'the login was idle for too long')
    const isTooOld = start.clock >= login.begun.end!.clock + ABSOLUTE_LIFETIME
    if (isTooOld) violate('b', 'the login was too old')
  }

  /** Whether nothing that happened until then could have ended the login. */
  #mustLive(login: Login, { tick, clock }: Moment): boolean {
    if (login.endings.some(ending => ending.start.tick < tick)) return false
    if (this.#sentinel.wasRevoked(login.userId, login.family.issuedAt, tick)) return false
    if (clock >= login.activeSince + IDLE_LIFETIME) return false
    return clock < login.begun.start.clock + ABSOLUTE_LIFETIME
  }

  /**
   * Only a request that was alone proves an activity, for a session that is saved late may restore
   * an older one.
   */
  #noteActivity(login: Login, exchange: Exchange): void {
    const { start } = exchange
    const others = login.exchanges.filter(other => other !== exchange)
    const wasAlone = others.every(({ end }) => end !== undefined && end.tick < start.tick)
    if (wasAlone) login.activeSince = Math.max(login.activeSince, start.clock - NOTED_EVERY)
  }

  #of({ sessionId }: Exchange): Login | undefined {
    return this.#bySession.get(sessionId ?? '')
  }

  #violate(invariant: string, exchange: Exchange, why: string): void {
    const { what, status, code, person, instance, start, end, response } = exchange
    const who = `${what} of person ${person} at instance ${instance}`
    const got = `was responded ${status} ${code ?? ''} ${response?.userId ?? ''}`
    this.violations.push(`(${invariant}) ${why}: ${who}, ${start.tick} to ${end?.tick}, ${got}`)
  }
}
