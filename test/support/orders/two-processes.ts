import type { Login } from '../../../lib/logins/login.ts'
import { MINUTE } from '../clock.ts'
import { FairLock } from '../fair-lock.ts'
import type { Stepwise } from './explore.ts'
import { type Actor, type Effect, HeldCalls } from './held-calls.ts'
import { HeldProcess } from './held-process.ts'
import { HeldSentinel } from './held-sentinel.ts'
import { HeldStore } from './held-store.ts'

const START = Date.UTC(2026, 0, 1)
/** Records that most scenarios do not need. */
const UNHELD = ['active', 'revoke'] as const

/** What all orders of a scenario have in common. */
export interface Setting {
  /** Whether refreshes take a lock. @default false */
  lock?: boolean
  /** Whether process B does not know the login at first. @default false */
  coldB?: boolean
  /** @default 'when released' */
  effect?: Effect
  /** How many pauses may end although something else could happen first. @default 0 */
  hurries?: number
  /**
   * The records that an actor writes, besides `login` and `tokens`; calls for other records are not
   * held. @default none
   */
  touched?: Array<'active' | 'revoke'>
}

/** Sets up the actors of a scenario. */
export type Cast = (processes: TwoProcesses) => Promise<unknown>

/** What has ended a login, once it is confirmed. */
type Ending = 'logout' | 'revoking logout' | 'new login'

/** A request, and what had ended its login when it began. */
interface Visit {
  name: string
  ending: Ending | undefined
  outcome: string
}

/**
 * The processes `A` and `B` of an app, their store and Sentinel, and a login `old` that both may
 * know.
 */
export class TwoProcesses implements Stepwise {
  readonly #calls: HeldCalls
  readonly #store: HeldStore
  readonly #sentinel: HeldSentinel
  readonly #processes: Record<string, HeldProcess>
  /** The browser's cookies, by the names of their logins. */
  readonly #cookies = new Map<string, string>()
  readonly #endings = new Map<string, Ending>()
  #visits: Visit[] = []
  /** The actors that begin before all others. */
  #first: Actor[] = []
  readonly #setting: Setting
  readonly #cast: Cast

  constructor(setting: Setting, cast: Cast) {
    this.#setting = setting
    this.#cast = cast
    const { lock = false, effect = 'when released', hurries = 0, touched = [] } = setting
    const calls = (this.#calls = new HeldCalls(effect, hurries))
    const store = (this.#store = new HeldStore(
      calls,
      UNHELD.filter(kind => !touched.includes(kind))
    ))
    const sentinel = (this.#sentinel = new HeldSentinel(calls))
    const outside = { calls, store, sentinel, lock: lock ? new FairLock() : undefined }
    this.#processes = { A: new HeldProcess(outside), B: new HeldProcess(outside) }
  }

  /** Starts again: the login `old` is there, and the actors are about to begin. */
  async restart(): Promise<this> {
    const { touched = [], coldB = false } = this.#setting
    this.#calls.restart(START)
    const processes = Object.values(this.#processes)
    for (const part of [this.#store, this.#sentinel, ...processes]) part.restart()
    this.#endings.clear()
    this.#visits = []
    this.#cookies.clear()
    this.#cookies.set('old', await this.#processes.A!.logIn('old'))
    if (!coldB) await this.open('B')
    // Activity is written after five minutes.
    this.#calls.now += (touched.includes('active') ? 6 : 2) * MINUTE
    this.#first = []
    await this.#cast(this)
    this.#calls.isHolding = true
    this.#first.forEach(actor => this.#calls.begin(actor))
    await this.#calls.settled()
    return this
  }

  /** The login of a request that is open at the start. */
  async open(process: string): Promise<Login> {
    const login = await this.#processes[process]!.visit(this.#cookies.get('old')!)
    return login!
  }

  /** A request that reads who is logged in. @param after begins when that one has ended */
  visit(process: string, name = 'old', after?: Actor): Actor {
    return this.#add(
      process,
      `request with ${name} to ${process}`,
      async () => {
        const ending = this.#endings.get(name)
        const login = await this.#visit(process, name)
        const tokens = login && this.#processes[process]!.tokensOf(login)
        const outcome = login === null ? 'nobody is logged in' : `logged in with ${tokens}`
        this.#visits.push({ name, ending, outcome })
        return `${outcome}${ending === undefined ? '' : ` after ${ending}`}`
      },
      name,
      after
    )
  }

  /**
   * A refresh for a request that is open. It begins before all others. A later begin would make no
   * difference, for its first calls are held like all others.
   */
  async refresh(process: string): Promise<void> {
    const login = await this.open(process)
    const work = (): Promise<string> => this.#processes[process]!.refresh(login)
    this.#first.push(this.#add(process, `refresh in ${process}`, work))
  }

  /** A request that comes later, and requests other tokens than those that it finds at once. */
  visitAndRefresh(process: string): void {
    this.#add(process, `request with a refresh in ${process}`, async () => {
      const login = await this.#calls.unheld(() => this.#visit(process, 'old'))
      return login === null ? 'nobody is logged in' : this.#processes[process]!.refresh(login)
    })
  }

  /** A logout in a process, with or without revocation. */
  async logout(process: string, revoke: boolean): Promise<Actor> {
    const login = await this.open(process)
    const ending = revoke ? 'revoking logout' : 'logout'
    return this.#add(process, `${ending} in ${process}`, async () => {
      const outcome = await this.#processes[process]!.logout(login, revoke)
      this.#endings.set('old', ending)
      return outcome
    })
  }

  /** A second login in the same browser. */
  async logInAgain(process: string): Promise<Actor> {
    const before = await this.open(process)
    return this.#add(process, `new login in ${process}`, async () => {
      this.#cookies.set('new', await this.#processes[process]!.logIn('new', before))
      this.#endings.set('old', 'new login')
      return 'logged in'
    })
  }

  next(): string[] {
    return this.#calls.next()
  }

  step(index: number): Promise<void> {
    return this.#calls.step(index)
  }

  state(): string {
    const memories = Object.values(this.#processes).map(process => process.memory())
    const parts = [this.#calls, this.#store, this.#sentinel].map(part => part.state())
    return [...parts, JSON.stringify([...this.#endings]), ...memories].join('\n\n')
  }

  async problems(): Promise<string[]> {
    this.#calls.isHolding = false
    const { actors } = this.#calls
    const waiting = actors.filter(({ outcome }) => outcome === null)
    const names = [...this.#cookies.keys()]
    const ofLogins = await Promise.all(names.map(name => this.#problemsOf(name)))
    const problems = [
      ...waiting.map(({ name }) => `${name} waits for ever`),
      ...this.#visits.flatMap(problemsOfVisit),
      ...ofLogins.flat()
    ]
    if (problems.length === 0) return []
    // The results of all actors help to understand a problem.
    return [...problems, ...actors.map(({ name, outcome }) => `(${name}: ${outcome})`)]
  }

  async #problemsOf(name: string): Promise<string[]> {
    const records = this.#store.recordsOf(name)
    const isForeign = records.tokens !== undefined && !records.tokens.startsWith(`${name} `)
    const foreign = isForeign ? [`${name} has the tokens ${records.tokens}`] : []
    const believers = await this.#believers(name)
    const ending = this.#endings.get(name)
    const others =
      ending === undefined
        ? this.#problemsOfLiving(name, records, believers)
        : this.#problemsOfEnded(name, ending, records, believers)
    return [...foreign, ...others]
  }

  #problemsOfEnded(
    name: string,
    ending: Ending,
    records: Record<string, string>,
    believers: string[]
  ): string[] {
    const left = ['login', 'tokens'].filter(kind => records[kind] !== undefined)
    const believed = believers.map(process => `${process} believes ${name} after ${ending}`)
    const isToBeRevoked = ending === 'revoking logout' && !this.#sentinel.isRevoked(name)
    return [
      ...left.map(kind => `${kind} of ${name} are left after ${ending}`),
      ...believed,
      ...(isToBeRevoked ? [`${this.#sentinel.newestOf(name)} is not revoked`] : [])
    ]
  }

  /** A login that was not ended must be alive in both processes, and the next refresh must work. */
  #problemsOfLiving(name: string, records: Record<string, string>, believers: string[]): string[] {
    const others = Object.keys(this.#processes).filter(process => !believers.includes(process))
    const newest = this.#sentinel.newestOf(name)
    const { tokens } = records
    const failed = this.#calls.actors.filter(({ login, outcome }) => {
      return login === name && outcome?.startsWith('LE_AUTH_')
    })
    return [
      ...others.map(process => `${process} has logged ${name} out`),
      ...(tokens === newest ? [] : [`the store has the tokens ${tokens} and not ${newest}`]),
      ...failed.map(({ name, outcome }) => `${name} failed: ${outcome}`)
    ]
  }

  /** The processes in which a login is alive for the next request. */
  async #believers(name: string): Promise<string[]> {
    const processes = Object.keys(this.#processes)
    const logins = await Promise.all(processes.map(process => this.#visit(process, name)))
    return processes.filter((_process, index) => logins[index] !== null)
  }

  #visit(process: string, name: string): Promise<Login | null> {
    return this.#processes[process]!.visit(this.#cookies.get(name)!)
  }

  #add(
    process: string,
    name: string,
    work: () => Promise<string>,
    login = 'old',
    after?: Actor
  ): Actor {
    const actor: Actor = {
      name,
      login,
      work,
      history: [],
      outcome: null,
      hasBegun: false,
      takesAlong: () => this.#processes[process]!.essence(),
      ...(after !== undefined && { after })
    }
    this.#calls.actors.push(actor)
    return actor
  }
}

function problemsOfVisit({ name, ending, outcome }: Visit): string[] {
  if (!outcome.startsWith('logged in')) return []
  if (ending !== undefined) return [`a request that began after ${ending} was ${outcome}`]
  const isRight = outcome.startsWith(`logged in with ${name} `)
  return isRight ? [] : [`a request with ${name} was ${outcome}`]
}
