import { HOUR, MINUTE } from './clock.js'
import type { Family, WatchedSentinel } from './world-sentinel.js'

export const IDLE_LIFETIME = 2 * HOUR
const ABSOLUTE_LIFETIME = 8 * HOUR
/** How old the noted activity may be. */
const NOTED_EVERY = 5 * MINUTE
/** The longest pause after a failed refresh, with its jitter. */
const LONGEST_PAUSE = 6 * MINUTE

/** A moment: how many things had happened before it, and what the shifted clock said. */
export interface Moment {
  tick: number
  clock: number
}

/** One request of a browser to the app, and its answer. */
export interface Exchange {
  what: string
  person: number
  instance: number
  /** The session id in the cookie that was sent. */
  sessionId: string | undefined
  start: Moment
  /** Whether the login had been idle for too long when it was sent. */
  isLate?: boolean
  /** Missing while it is under way. */
  end?: Moment
  status?: number
  code?: string | undefined
  /** What the app's route said of the login; nothing where nobody was logged in. */
  answer?: { login: string, userId: string, accessToken?: string } | undefined
}

/** A login as the model sees it. */
export interface Login {
  /** The id of its token set. */
  id: string
  person: number
  userId: string
  family: Family
  begun: Exchange
  /** What ended it: logouts, and logins in its place. Some may be under way. */
  endings: Exchange[]
  /** What came with its cookie. */
  exchanges: Exchange[]
  /** Between these is the activity that was noted last, by the clock. */
  activeSince: number
  activeUntil: number
}

/** Which logins there are and what each request may be answered; what was answered otherwise is in `violations`. */
export class Logins {
  readonly violations: string[] = []
  readonly #bySession = new Map<string, Login>()
  readonly #sentinel: WatchedSentinel

  constructor (sentinel: WatchedSentinel) {
    this.#sentinel = sentinel
  }

  get all (): Login[] {
    return [...this.#bySession.values()]
  }

  sessionIdOf (login: Login): string {
    return [...this.#bySession].find(([, other]) => other === login)![0]
  }

  byId (id: string): Login | undefined {
    return this.all.find(login => login.id === id)
  }

  /** Notes a login that a callback has answered with a session cookie. */
  begin (begun: Exchange, sessionId: string, id: string, userId: string, accessToken: string): void {
    const family = this.#sentinel.familyOf(accessToken)
    if (this.#bySession.has(sessionId)) this.#violate('a', begun, 'the login has the session id of another')
    if (family?.userId !== userId) this.#violate('a', begun, 'the tokens of the login are another user’s')
    if (family === undefined) return
    const { start, end, person } = begun
    this.#bySession.set(sessionId, { id, person, userId, family, begun, endings: [], exchanges: [], activeSince: start.clock, activeUntil: end!.clock })
  }

  /** Notes a request on its way, by the cookie it brings. @param mayEnd whether it ends the login that it came with */
  sent (exchange: Exchange, mayEnd: boolean): void {
    const login = this.#of(exchange)
    if (login === undefined) return
    // What is under way may be noted as activity yet.
    exchange.isLate = exchange.start.clock >= login.activeUntil + IDLE_LIFETIME && login.exchanges.every(({ end }) => end !== undefined)
    login.exchanges.push(exchange)
    if (mayEnd) login.endings.push(exchange)
  }

  /** Notes the end of a request, whatever came of it: it was activity all the same. */
  answered (exchange: Exchange): void {
    const login = this.#of(exchange)
    if (login !== undefined && exchange.isLate === false) login.activeUntil = Math.max(login.activeUntil, exchange.end!.clock)
  }

  /** Whether somebody is logged in with this session, whatever was or is under way. */
  isAlive (sessionId: string | undefined, now: Moment): boolean {
    const login = this.#bySession.get(sessionId ?? '')
    return login !== undefined && this.#mustLive(login, now)
  }

  /** Judges a request to a route that says who is logged in. */
  judge (exchange: Exchange, isGuarded: boolean): void {
    const login = this.#of(exchange)
    const { answer, status } = exchange
    if (status! >= 500) return this.#judgeFailure(exchange, login)
    if (answer !== undefined) this.#judgeAnswer(exchange, answer, login)
    else if (isGuarded && status !== 401) this.#violate('f', exchange, 'neither an answer nor a 401')
    else if (login !== undefined && this.#mustLive(login, exchange.end!)) this.#violate('e', exchange, 'the login should be alive')
    if (answer !== undefined && login !== undefined) this.#noteActivity(login, exchange)
  }

  /** A login route must work, or there is a reason. */
  judgeFlow (exchange: Exchange, isExcused: boolean): void {
    if (exchange.status !== 303 && !isExcused) this.#violate('f', exchange, 'should have worked')
  }

  /** What must be so while nothing is under way. */
  judgeStore (tokenSetIds: string[]): void {
    for (const id of tokenSetIds) {
      const login = this.byId(id)
      if (login === undefined) this.violations.push(`(c) a token set is of no login: ${id}`)
      else if (login.endings.some(({ status }) => status === 303)) this.violations.push(`(c) a token set outlives its login: ${id}`)
    }
  }

  /** Only within a failure of Sentinel, or the pause after it. */
  #judgeFailure (exchange: Exchange, login: Login | undefined): void {
    const isOutage = exchange.status === 503 && exchange.code === 'LE_AUTH_REFRESH_UNAVAILABLE'
    const isTrue = login?.family.failures.some(({ heardAt }) => exchange.start.clock < heardAt + LONGEST_PAUSE)
    if (!isOutage || isTrue !== true) this.#violate('f', exchange, 'Sentinel was well')
  }

  #judgeAnswer (exchange: Exchange, { login: id, userId, accessToken }: NonNullable<Exchange['answer']>, login: Login | undefined): void {
    if (login === undefined) return this.#violate('b', exchange, 'nobody has logged in with this cookie')
    if (login.id !== id || login.person !== exchange.person || login.userId !== userId) this.#violate('a', exchange, 'answered for another login')
    const family = accessToken === undefined ? login.family : this.#sentinel.familyOf(accessToken)
    if (family !== login.family) this.#violate('a', exchange, `the access token is of another login, of user ${family?.userId}`)
    if (login.endings.some(({ status, end }) => status === 303 && end!.tick < exchange.start.tick)) this.#violate('b', exchange, 'the login had ended before')
    if (exchange.isLate === true) this.#violate('b', exchange, 'the login was idle for too long')
    if (exchange.start.clock >= login.begun.end!.clock + ABSOLUTE_LIFETIME) this.#violate('b', exchange, 'the login was too old')
  }

  /** Whether nothing that happened until then could have ended the login. */
  #mustLive (login: Login, { tick, clock }: Moment): boolean {
    if (login.endings.some(ending => ending.start.tick < tick)) return false
    if (this.#sentinel.wasRevoked(login.userId, login.family.issuedAt, tick)) return false
    return clock < login.activeSince + IDLE_LIFETIME && clock < login.begun.start.clock + ABSOLUTE_LIFETIME
  }

  /** A session that is saved late may put back an older note, so only a request that was alone proves one. */
  #noteActivity (login: Login, exchange: Exchange): void {
    const wasAlone = login.exchanges.every(other => other === exchange || (other.end !== undefined && other.end.tick < exchange.start.tick))
    if (wasAlone) login.activeSince = Math.max(login.activeSince, exchange.start.clock - NOTED_EVERY)
  }

  #of ({ sessionId }: Exchange): Login | undefined {
    return this.#bySession.get(sessionId ?? '')
  }

  #violate (invariant: string, { what, status, code, person, instance, start, end, answer }: Exchange, why: string): void {
    this.violations.push(`(${invariant}) ${why}: ${what} of person ${person} at instance ${instance}, ${start.tick} to ${end?.tick}, was answered ${status} ${code ?? ''} ${answer?.userId ?? ''}`)
  }
}
