import type { SessionStore } from '@fastify/session'
import type { Session } from 'fastify'

/** A session store that keeps JSON, and takes some time before it works and some before it tells. */
export class UnevenStore implements SessionStore {
  readonly records = new Map<string, string>()
  /** Calls that are not answered yet. */
  pending = 0
  readonly #delays: number[]
  #calls = 0

  /** @param delays in ms, taken in turn */
  constructor (delays: number[]) {
    this.#delays = delays
  }

  get (id: string, callback: (error: unknown, session?: Session | null) => void): void {
    this.#run(callback, () => this.read(id))
  }

  set (id: string, session: Session, callback: (error?: unknown) => void): void {
    const text = JSON.stringify(session)
    this.#run(callback, () => { this.records.set(id, text) })
  }

  destroy (id: string, callback: (error?: unknown) => void): void {
    this.#run(callback, () => { this.records.delete(id) })
  }

  /** The ids of all token sets. */
  get tokenSets (): string[] {
    return [...this.records.keys()].filter(id => id.startsWith('le-auth:tokens:'))
  }

  /** The ids of all logins. */
  get logins (): string[] {
    return [...this.records.keys()].filter(id => id.startsWith('le-auth:login:'))
  }

  read (id: string): any {
    const text = this.records.get(id)
    return text === undefined ? null : JSON.parse(text)
  }

  #run (callback: (error: any, result?: any) => void, work: () => unknown): void {
    this.pending += 1
    setTimeout(() => {
      const result = work()
      setTimeout(() => { this.pending -= 1; callback(null, result) }, this.#delay())
    }, this.#delay())
  }

  #delay (): number {
    this.#calls += 1
    return this.#delays[this.#calls % this.#delays.length] ?? 0
  }
}
