import type { Login } from '../../lib/logins/login.js'
import { MINUTE } from './clock.js'
import { type Actor, type Effect, HeldCalls } from './every-order-calls.js'
import { HeldProcess } from './every-order-process.js'
import { HeldSentinel } from './every-order-sentinel.js'
import { HeldStore } from './every-order-store.js'
import type { Stepwise } from './every-order.js'
import { FairLock } from './fair-lock.js'

const START = Date.UTC(2026, 0, 1)
/** Records that have no part in most scenarios. */
const UNHELD = ['active', 'revoke'] as const

/** What is the same in all orders of a scenario. */
export interface Setting {
  /** Whether refreshes take a lock. @default false */
  lock?: boolean
  /** Whether process B has never heard of the login. @default false */
  coldB?: boolean
  /** @default 'when released' */
  effect?: Effect
  /** How many pauses may end although something else could happen first. @default 0 */
  hurries?: number
  /** The records that somebody writes, beside `login` and `tokens`; calls for the others are answered at once. @default none */
  touched?: Array<'active' | 'revoke'>
}

/** Says who does what in a world. */
export type Cast = (world: HeldWorld) => Promise<unknown>

/** How a login was ended, by somebody who has been told so. */
type Ending = 'logout' | 'revoking logout' | 'new login'

/** A request, and what had ended when it began. */
interface Visit {
  name: string
  ending: Ending | undefined
  outcome: string
}

/** A store, Sentinel, the processes `A` and `B` of an app, and a login `old` that both may know. */
export class HeldWorld implements Stepwise {
  readonly #calls: HeldCalls
  readonly #store: HeldStore
  readonly #sentinel: HeldSentinel
  readonly #processes: Record<string, HeldProcess>
  /** The browser's cookies, by the names of their logins. */
  readonly #cookies = new Map<string, string>()
  readonly #endings = new Map<string, Ending>()
  #visits: Visit[] = []
  /** Who has begun before all else. */
  #first: Actor[] = []
  readonly #setting: Setting
  readonly #cast: Cast

  constructor (setting: Setting, cast: Cast) {
    const { lock = false, effect = 'when released', hurries = 0, touched = [] } = this.#setting = setting
    this.#cast = cast
    const calls = this.#calls = new HeldCalls(effect, hurries)
    const store = this.#store = new HeldStore(calls, UNHELD.filter(kind => !touched.includes(kind)))
    const sentinel = this.#sentinel = new HeldSentinel(calls)
    const outside = { calls, store, sentinel, lock: lock ? new FairLock() : undefined }
    this.#processes = { A: new HeldProcess(outside), B: new HeldProcess(outside) }
  }

  /** Begins again: somebody has logged in, and the actors are about to begin. */
  async restart (): Promise<this> {
    const { touched = [], coldB = false } = this.#setting
    this.#calls.restart(START)
    for (const part of [this.#store, this.#sentinel, ...Object.values(this.#processes)]) part.restart()
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
    return this
  }

  /** The login of a request that is open when all begins. */
  async open (process: string): Promise<Login> {
    const login = await this.#processes[process]!.visit(this.#cookies.get('old')!)
    return login!
  }

  /** A request that looks who is logged in. @param after begins when that one is through */
  visit (process: string, name = 'old', after?: Actor): Actor {
    return this.#add(process, `request with ${name} to ${process}`, async () => {
      const ending = this.#endings.get(name)
      const login = await this.#visit(process, name)
      const outcome = login === null ? 'nobody is logged in' : `logged in with ${this.#processes[process]!.tokensOf(login)}`
      this.#visits.push({ name, ending, outcome })
      return `${outcome}${ending === undefined ? '' : ` after ${ending}`}`
    }, name, after)
  }

  /**
   * A refresh for a request that is open. It has begun before all else: its first calls are held like all others, so that it
   * begins later would make no difference.
   */
  async refresh (process: string): Promise<void> {
    const login = await this.open(process)
    this.#first.push(this.#add(process, `refresh in ${process}`, () => this.#processes[process]!.refresh(login)))
  }

  /** A request that comes later, and wants other tokens than those that it finds at once. */
  visitAndRefresh (process: string): void {
    this.#add(process, `request with a refresh in ${process}`, async () => {
      const login = await this.#calls.unheld(() => this.#visit(process, 'old'))
      return login === null ? 'nobody is logged in' : this.#processes[process]!.refresh(login)
    })
  }

  async logout (process: string, revoke: boolean): Promise<Actor> {
    const login = await this.open(process)
    const ending = revoke ? 'revoking logout' : 'logout'
    return this.#add(process, `${ending} in ${process}`, async () => {
      const outcome = await this.#processes[process]!.logout(login, revoke)
      this.#endings.set('old', ending)
      return outcome
    })
  }

  /** A second login in the same browser. */
  async logInAgain (process: string): Promise<Actor> {
    const before = await this.open(process)
    return this.#add(process, `new login in ${process}`, async () => {
      this.#cookies.set('new', await this.#processes[process]!.logIn('new', before))
      this.#endings.set('old', 'new login')
      return 'logged in'
    })
  }

  next (): string[] {
    return this.#calls.next()
  }

  step (index: number): Promise<void> {
    return this.#calls.step(index)
  }

  state (): string {
    const memories = Object.values(this.#processes).map(process => process.memory())
    return [this.#calls.state(), this.#store.state(), this.#sentinel.state(), JSON.stringify([...this.#endings]), ...memories].join('\n\n')
  }

  async problems (): Promise<string[]> {
    this.#calls.isHolding = false
    const waiting = this.#calls.actors.filter(({ outcome }) => outcome === null).map(({ name }) => `${name} waits for ever`)
    const ofLogins = await Promise.all([...this.#cookies.keys()].map(name => this.#problemsOf(name)))
    const problems = [...waiting, ...this.#visits.flatMap(problemsOfVisit), ...ofLogins.flat()]
    // Whoever reads of a problem wants to know what everybody was told.
    return problems.length === 0 ? [] : [...problems, ...this.#calls.actors.map(({ name, outcome }) => `(${name}: ${outcome})`)]
  }

  async #problemsOf (name: string): Promise<string[]> {
    const records = this.#store.recordsOf(name)
    const foreign = records.tokens !== undefined && !records.tokens.startsWith(`${name} `) ? [`${name} has the tokens ${records.tokens}`] : []
    const believers = await this.#believers(name)
    const ending = this.#endings.get(name)
    return [...foreign, ...(ending === undefined ? this.#problemsOfLiving(name, records, believers) : this.#problemsOfEnded(name, ending, records, believers))]
  }

  #problemsOfEnded (name: string, ending: Ending, records: Record<string, string>, believers: string[]): string[] {
    const left = ['login', 'tokens'].filter(kind => records[kind] !== undefined).map(kind => `${kind} of ${name} are left after ${ending}`)
    const believed = believers.map(process => `${process} believes ${name} after ${ending}`)
    const isToBeRevoked = ending === 'revoking logout' && !this.#sentinel.isRevoked(name)
    return [...left, ...believed, ...(isToBeRevoked ? [`${this.#sentinel.newestOf(name)} is not revoked`] : [])]
  }

  /** Nobody has ended it, so nobody may be logged out, and the next refresh must be able to go on. */
  #problemsOfLiving (name: string, records: Record<string, string>, believers: string[]): string[] {
    const loggedOut = Object.keys(this.#processes).filter(process => !believers.includes(process)).map(process => `${process} has logged ${name} out`)
    const newest = this.#sentinel.newestOf(name)
    const stored = records.tokens === newest ? [] : [`the store has the tokens ${records.tokens} and not ${newest}`]
    const failed = this.#calls.actors.filter(({ login, outcome }) => login === name && outcome?.startsWith('LE_AUTH_')).map(({ name, outcome }) => `${name} failed: ${outcome}`)
    return [...loggedOut, ...stored, ...failed]
  }

  /** The processes in which a login is alive for the next request. */
  async #believers (name: string): Promise<string[]> {
    const logins = await Promise.all(Object.keys(this.#processes).map(async process => [process, await this.#visit(process, name)] as const))
    return logins.filter(([, login]) => login !== null).map(([process]) => process)
  }

  #visit (process: string, name: string): Promise<Login | null> {
    return this.#processes[process]!.visit(this.#cookies.get(name)!)
  }

  #add (process: string, name: string, work: () => Promise<string>, login = 'old', after?: Actor): Actor {
    const actor: Actor = { name, login, work, history: [], outcome: null, hasBegun: false, takesAlong: () => this.#processes[process]!.essence(), ...(after !== undefined && { after }) }
    this.#calls.actors.push(actor)
    return actor
  }
}

function problemsOfVisit ({ name, ending, outcome }: Visit): string[] {
  const isBelieved = outcome.startsWith('logged in')
  if (ending !== undefined && isBelieved) return [`a request that began after ${ending} was ${outcome}`]
  return isBelieved && !outcome.startsWith(`logged in with ${name} `) ? [`a request with ${name} was ${outcome}`] : []
}
