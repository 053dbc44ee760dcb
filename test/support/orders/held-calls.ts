import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { Clock, type Timers } from '../../../lib/clock.ts'
import { STORE_DEADLINE } from '../../../lib/store/store-call.ts'

/**
 * When a held call takes effect: as it is released, or as it is made, so that only its result is
 * held.
 */
export type Effect = 'when released' | 'at once'

/** Something that runs beside others: a request, a refresh, a logout. */
export interface Actor {
  name: string
  /** Begins only when that one has ended. */
  after?: Actor
  work: () => Promise<string>
  /** What has happened to it so far. */
  history: string[]
  /** Its result; `null` before that. */
  outcome: string | null
  hasBegun: boolean
  /** What it may take along from the memory of its process as it begins, in words. */
  takesAlong: () => string
  /** The name of the login that it works on. */
  login: string
}

/** A call to the store or to Sentinel that is held. */
interface HeldCall {
  actor: Actor | undefined
  title: string
  /** Lets it take effect. */
  release: CarryOut
}

/** Lets a call take effect. @returns its result in words, and how to give it to the caller */
export type CarryOut = () => { says: string; give: () => void }

interface Timer {
  at: number
  ms: number
  actor: Actor | undefined
  callback: () => void
}

/** The actor that is running. */
const current = new AsyncLocalStorage<Actor>()

/**
 * The calls of the plugin's modules to the store and to Sentinel, each held until it is released,
 * and time, which passes only as a step.
 */
export class HeldCalls {
  now = 0
  readonly clock: Clock
  actors: Actor[] = []
  /** Nothing is held before the actors begin, and after they have ended. */
  isHolding = false
  readonly #effect: Effect
  /** How many pauses may end although something else could happen first. */
  readonly #maxHurries: number
  #hurries = 0
  #calls: HeldCall[] = []
  #timers = new Set<Timer>()

  constructor(effect: Effect, maxHurries: number) {
    this.#effect = effect
    this.#maxHurries = maxHurries
    this.clock = new Clock(() => this.now, this.#fakeTimers())
  }

  /** Forgets everything that was held. */
  restart(now: number): void {
    this.now = now
    this.actors = []
    this.isHolding = false
    this.#hurries = 0
    this.#calls = []
    this.#timers = new Set()
  }

  /**
   * Holds a call of the plugin.
   *
   * @param carryOut does what the call is for
   */
  hold(title: string, carryOut: CarryOut): void {
    const actor = current.getStore()
    if (!this.isHolding) return carryOut().give()
    const done = this.#effect === 'at once' ? carryOut() : null
    const fullTitle = done === null ? title : `${title}, response: ${done.says}`
    this.#calls.push({ actor, title: fullTitle, release: () => done ?? carryOut() })
  }

  /** Does something with nothing held, so that it is done before anything else can happen. */
  async unheld<Result>(work: () => Promise<Result>): Promise<Result> {
    this.isHolding = false
    const result = await work()
    this.isHolding = true
    return result
  }

  /** What can happen next. Time passes when nothing else can happen, and a few times before. */
  next(): string[] {
    const beginnings = this.#beginnings().map(({ name }) => `${name} begins`)
    const steps = [...beginnings, ...this.#calls.map(titleOf)]
    const pause = this.#firstPause()
    const mayHurry = steps.length === 0 || this.#hurries < this.#maxHurries
    if (pause === undefined || !mayHurry) return steps
    return [...steps, `${pause.actor?.name}: has waited ${pause.ms} ms`]
  }

  async step(index: number): Promise<void> {
    const beginnings = this.#beginnings()
    const call = index - beginnings.length
    if (call < 0) this.begin(beginnings[index]!)
    else if (call < this.#calls.length) this.#release(call)
    else this.#endPause()
    await this.settled()
  }

  /** Resolves when all promises have settled that follow from what has happened. */
  async settled(): Promise<void> {
    await turn()
  }

  /** Everything that decides what follows, but for what the store and Sentinel hold. */
  state(): string {
    const actors = this.actors.flatMap(actor => {
      return [actor.name, actor.hasBegun, actor.outcome, ...this.#historyOf(actor)]
    })
    const calls = this.#calls.map(titleOf).sort()
    const pauses = [...this.#timers].filter(isPause)
    const timers = pauses.map(({ at, actor }) => `${actor?.name} until ${at}`).sort()
    return [...actors, ...calls, ...timers, this.now, this.#hurries].join('\n')
  }

  /**
   * Of an actor that has ended, only the result can matter. The order of the responses can matter
   * only if the actor waits for one after the other.
   */
  #historyOf(actor: Actor): string[] {
    const isActive = actor.outcome === null || this.#calls.some(call => call.actor === actor)
    return isActive ? actor.history.toSorted() : []
  }

  #beginnings(): Actor[] {
    return this.actors.filter(({ hasBegun, after }) => !hasBegun && after?.outcome !== null)
  }

  /** Lets an actor begin. */
  begin(actor: Actor): void {
    actor.hasBegun = true
    actor.history.push(actor.takesAlong())
    current.run(actor, actor.work).then(outcome => {
      actor.outcome = outcome
    })
  }

  #release(index: number): void {
    const [{ actor, title, release }] = this.#calls.splice(index, 1) as [HeldCall]
    const { says, give } = release()
    actor?.history.push(`${title}: ${says}`)
    current.run(actor!, give)
  }

  #firstPause(): Timer | undefined {
    return [...this.#timers].filter(isPause).sort((one, other) => one.at - other.at)[0]
  }

  #endPause(): void {
    const pause = this.#firstPause()!
    if (this.#calls.length + this.#beginnings().length > 0) this.#hurries += 1
    this.now = Math.max(this.now, pause.at)
    this.#timers.delete(pause)
    pause.actor?.history.push(`has waited ${pause.ms} ms`)
    current.run(pause.actor!, pause.callback)
  }

  #fakeTimers(): Timers {
    return {
      setTimeout: (callback, ms) => {
        const timer = { at: this.now + ms, ms, actor: current.getStore(), callback }
        this.#timers.add(timer)
        return timer
      },
      clearTimeout: timer => {
        this.#timers.delete(timer)
      }
    }
  }
}

/** No call takes as long as the deadline here, so that only the pauses between retries are left. */
function isPause({ ms }: Timer): boolean {
  return ms < STORE_DEADLINE
}

function titleOf({ actor, title }: HeldCall): string {
  return `${actor?.name}: ${title}`
}
