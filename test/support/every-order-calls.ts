import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { Clock, type Timers } from '../../lib/clock.js'
import { STORE_DEADLINE } from '../../lib/store/store-call.js'

/** When a call that is held takes effect: as it is released, or as it is made, so that only its answer is held. */
export type Effect = 'when released' | 'at once'

/** Somebody who does something beside others: a request, a refresh, a logout. */
export interface Actor {
  name: string
  /** Begins only when that one is through. */
  after?: Actor
  work: () => Promise<string>
  /** What has happened to it so far. */
  history: string[]
  /** What came of it; `null` before that. */
  outcome: string | null
  hasBegun: boolean
  /** What whoever begins may take along from the memory of his process, in words. */
  takesAlong: () => string
  /** What it works on. */
  login: string
}

/** A call of somebody outside, or an actor that may begin. */
interface HeldCall {
  actor: Actor | undefined
  title: string
  /** Takes effect. @returns the answer in words, and how to give it */
  release: () => { says: string, give: () => void }
}

interface Timer {
  at: number
  ms: number
  actor: Actor | undefined
  callback: () => void
}

/** Who is at work. */
const current = new AsyncLocalStorage<Actor>()

/** Calls of the world outside, each held until somebody releases it, and time, which passes only when told to. */
export class HeldCalls {
  now = 0
  readonly clock: Clock
  actors: Actor[] = []
  /** Nothing is held before the actors begin, and when they are through. */
  isHolding = false
  readonly #effect: Effect
  /** How many pauses may end although something else could happen first. */
  readonly #maxHurries: number
  #hurries = 0
  #calls: HeldCall[] = []
  #timers = new Set<Timer>()

  constructor (effect: Effect, maxHurries: number) {
    this.#effect = effect
    this.#maxHurries = maxHurries
    this.clock = new Clock(() => this.now, this.#fakeTimers())
  }

  /** Forgets all that was held. */
  restart (now: number): void {
    this.now = now
    this.actors = []
    this.isHolding = false
    this.#hurries = 0
    this.#calls = []
    this.#timers = new Set()
  }

  /**
   * A call from within the plugin.
   *
   * @param carryOut does what the call is for; returns the answer in words, and how to give it
   */
  hold (title: string, carryOut: () => { says: string, give: () => void }): void {
    const actor = current.getStore()
    if (!this.isHolding) return carryOut().give()
    const done = this.#effect === 'at once' ? carryOut() : null
    this.#calls.push({ actor, title: done === null ? title : `${title}, answer: ${done.says}`, release: () => done ?? carryOut() })
  }

  /** Does something in which nothing is held: it is through before anything else can happen. */
  async unheld<Result> (work: () => Promise<Result>): Promise<Result> {
    this.isHolding = false
    const result = await work()
    this.isHolding = true
    return result
  }

  /** What can happen next. Time passes when nothing else can happen, and a few times earlier. */
  next (): string[] {
    const steps = [...this.#beginnings().map(({ name }) => `${name} begins`), ...this.#calls.map(call => `${call.actor?.name}: ${call.title}`)]
    const pause = this.#firstPause()
    if (pause === undefined || (steps.length > 0 && this.#hurries === this.#maxHurries)) return steps
    return [...steps, `${pause.actor?.name}: has waited ${pause.ms} ms`]
  }

  async step (index: number): Promise<void> {
    const beginnings = this.#beginnings()
    const call = index - beginnings.length
    if (call < 0) this.begin(beginnings[index]!)
    else if (call < this.#calls.length) this.#release(call)
    else this.#endPause()
    // By then all promises that follow have settled.
    await turn()
  }

  /** All that decides what follows, but what the outside has stored. */
  state (): string {
    const actors = this.actors.map(actor => [actor.name, actor.hasBegun, actor.outcome, ...this.#historyOf(actor)].join('\n'))
    const calls = this.#calls.map(({ actor, title }) => `${actor?.name}: ${title}`).sort()
    const timers = [...this.#timers].filter(isPause).map(({ at, actor }) => `${actor?.name} until ${at}`).sort()
    return [...actors, ...calls, ...timers, this.now, this.#hurries].join('\n')
  }

  /** Of one who is through, only what came of it can matter; and the order of answers only if he waits for one after the other. */
  #historyOf (actor: Actor): string[] {
    return actor.outcome === null || this.#calls.some(call => call.actor === actor) ? actor.history.toSorted() : []
  }

  #beginnings (): Actor[] {
    return this.actors.filter(({ hasBegun, after }) => !hasBegun && (after === undefined || after.outcome !== null))
  }

  /** Lets somebody begin. */
  begin (actor: Actor): void {
    actor.hasBegun = true
    actor.history.push(actor.takesAlong())
    current.run(actor, actor.work).then(outcome => { actor.outcome = outcome })
  }

  #release (index: number): void {
    const [{ actor, title, release }] = this.#calls.splice(index, 1) as [HeldCall]
    const { says, give } = release()
    actor?.history.push(`${title}: ${says}`)
    current.run(actor!, give)
  }

  #firstPause (): Timer | undefined {
    return [...this.#timers].filter(isPause).sort((one, other) => one.at - other.at)[0]
  }

  #endPause (): void {
    const pause = this.#firstPause()!
    if (this.#calls.length + this.#beginnings().length > 0) this.#hurries += 1
    this.now = Math.max(this.now, pause.at)
    this.#timers.delete(pause)
    pause.actor?.history.push(`has waited ${pause.ms} ms`)
    current.run(pause.actor!, pause.callback)
  }

  #fakeTimers (): Timers {
    return {
      setTimeout: (callback, ms) => {
        const timer = { at: this.now + ms, ms, actor: current.getStore(), callback }
        this.#timers.add(timer)
        return timer
      },
      clearTimeout: timer => { this.#timers.delete(timer) }
    }
  }
}

/** No call takes as long as the deadline here; what is left are the pauses between tries. */
function isPause ({ ms }: Timer): boolean {
  return ms < STORE_DEADLINE
}
