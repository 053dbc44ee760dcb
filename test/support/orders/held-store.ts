import { LoginRecords } from '../../../lib/logins/login-records.ts'
import type { PlainStore } from '../../../lib/store/session-store.ts'
import { Sealer } from '../../../lib/store/seal.ts'
import type { CarryOut, HeldCalls } from './held-calls.ts'

/** The plugin's `secret` in all processes. */
export const SECRET = 'a secret that all processes share, 32+'

/** A session store of the express-session kind whose calls are held. */
export class HeldStore implements PlainStore {
  readonly #calls: HeldCalls
  readonly #unheld: readonly string[]
  readonly #texts = new Map<string, string>()
  readonly #names = new Map<string, string>()
  readonly #labels = new Map<string, string>()
  /** Opens sealed texts. It never reads from or writes to the store. */
  readonly #reader = new LoginRecords(null as never, new Sealer([SECRET]), () => 0)

  /** @param unheld kinds of records whose calls are not held, since only one actor touches them */
  constructor(calls: HeldCalls, unheld: readonly string[]) {
    this.#calls = calls
    this.#unheld = unheld
  }

  /** The name of the next new login that stores something. */
  nextName = 'old'

  restart(): void {
    for (const kept of [this.#texts, this.#names, this.#labels]) kept.clear()
  }

  get(id: string, done: (error: unknown, record?: object | null) => void): void {
    this.#call('read', id, '', () => {
      const text = this.#texts.get(id)
      const record = text === undefined ? null : JSON.parse(text)
      return { says: this.#meaning(id, text), give: () => done(null, record) }
    })
  }

  set(id: string, record: object, done: (error?: unknown) => void): void {
    const text = JSON.stringify(record)
    this.#call('write', id, ` ${this.#meaning(id, text)}`, () => {
      this.#texts.set(id, text)
      return { says: 'ok', give: () => done() }
    })
  }

  destroy(id: string, done: (error?: unknown) => void): void {
    this.#call('destroy', id, '', () => {
      this.#texts.delete(id)
      return { says: 'ok', give: () => done() }
    })
  }

  /** The records of a login by kind, in words. */
  recordsOf(name: string): Record<string, string> {
    const own = [...this.#texts].filter(([id]) => this.#nameOf(id) === name)
    return Object.fromEntries(own.map(([id, text]) => [kindOf(id), this.#meaning(id, text)]))
  }

  /** Which tokens a sealed text holds; numbered if several texts hold the same. */
  label(key: string, sealed: string): string {
    const known = this.#labels.get(sealed)
    if (known !== undefined) return known
    const token = this.#reader.openTokens(key, sealed)?.refreshToken ?? 'nothing that opens'
    const others = [...this.#labels.values()].filter(label => label.startsWith(token)).length
    this.#labels.set(sealed, others === 0 ? token : `${token} (${others + 1})`)
    return this.label(key, sealed)
  }

  state(): string {
    const lines = [...this.#texts].map(([id, text]) => {
      return `${kindOf(id)} ${this.#nameOf(id)} ${this.#meaning(id, text)}`
    })
    return lines.sort().join('\n')
  }

  #call(verb: string, id: string, what: string, carryOut: CarryOut): void {
    if (this.#unheld.includes(kindOf(id))) return carryOut().give()
    this.#calls.hold(`${verb} ${kindOf(id)} of ${this.#nameOf(id)}${what}`, carryOut)
  }

  #meaning(id: string, text: string | undefined): string {
    if (text === undefined) return 'none'
    return kindOf(id) === 'tokens' ? this.label(keyOf(id), JSON.parse(text).leAuth) : 'there'
  }

  #nameOf(id: string): string {
    const key = keyOf(id)
    if (!this.#names.has(key)) this.#names.set(key, this.nextName)
    return this.#names.get(key)!
  }
}

function kindOf(id: string): string {
  return id.split(':')[1]!
}

function keyOf(id: string): string {
  return id.split(':')[2]!
}
